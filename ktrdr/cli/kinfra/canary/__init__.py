"""``kinfra canary``: the images ``:test`` as a system, tried before they go out."""
