"""What holds for all tests."""

import pytest
from hypothesis import settings

from ktrdr.cli import output

# The machine's speed decides nothing, and a failure in CI can be had again at home.
settings.register_profile("ktrdr", deadline=None, derandomize=True)
settings.load_profile("ktrdr")


@pytest.fixture(autouse=True)
def _fresh_consoles():
    """A console keeps the width it was made with; each test gets its own."""
    output.console.cache_clear()
    output.notes.cache_clear()
