"""``python -m nextlabel``: the command line."""

from nextlabel.cli.main import main

if __name__ == "__main__":
    main()
