"""The command ``kinfra``: images, environments and deployment."""
