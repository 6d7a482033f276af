"""The typed client of the backend."""

from ktrdr.client.client import Client
from ktrdr.client.follow import Followed

__all__ = ["Client", "Followed"]
