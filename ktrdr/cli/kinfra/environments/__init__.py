"""Environments: what is common to sandboxes, local-prod and the canary."""
