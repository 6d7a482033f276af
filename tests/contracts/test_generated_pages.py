"""The pages of the reference are what the code makes of them now."""

import pytest

from tools.pages.__main__ import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_the_code_tells(name: str):
    found = (FOLDER / name).read_text("utf-8")
    assert found == PAGES[name](), "run `make pages`"


def test_no_page_of_the_reference_is_written_by_hand():
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)
