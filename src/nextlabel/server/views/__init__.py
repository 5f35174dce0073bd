"""How an item is shown in the browser, one file for each medium."""
