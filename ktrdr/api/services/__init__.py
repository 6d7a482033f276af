"""What routes do: the work behind them, free of HTTP."""
