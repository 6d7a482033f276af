"""Tools that the Makefile runs before anything is installed."""
