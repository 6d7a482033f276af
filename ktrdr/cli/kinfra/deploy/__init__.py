"""``kinfra deploy``: bring a release to hosts that run, and back again."""
