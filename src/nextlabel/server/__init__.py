"""The labelling page: pages, views, and the server behind them."""
