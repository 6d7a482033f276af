"""``kinfra sandbox``: isolated environments side by side, each of a git worktree."""
