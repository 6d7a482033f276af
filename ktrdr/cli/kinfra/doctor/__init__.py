"""``kinfra doctor``: what this machine lacks to run ktrdr, and what to do."""
