"""The system that `ktrdr up` runs on this machine."""
