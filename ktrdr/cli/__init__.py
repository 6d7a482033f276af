"""The commands ``ktrdr`` and ``kinfra``."""
