"""Speed and memory of ktrdr beside its peers: ``python -m benchmarks``."""
