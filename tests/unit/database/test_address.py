"""A database's URL is taken apart, and never told with its password."""

import pytest

from ktrdr.database.address import name_of, place_of, with_name, without_password
from ktrdr.errors import InputError

URL = "postgresql://ktrdr:s3cr%40t@db.example:5433/main?sslmode=require"


def test_the_place_is_told_without_user_and_password():
    assert place_of(URL) == "db.example:5433/main"
    assert place_of("postgres://ktrdr@db") == "db:5432/ktrdr"


def test_another_database_on_the_same_server_keeps_all_else():
    other = with_name(URL, "other one")
    assert (
        other
        == "postgresql://ktrdr:s3cr%40t@db.example:5433/other%20one?sslmode=require"
    )
    assert name_of(other) == "other one"
    assert with_name("postgresql://ktrdr@db", "x") == "postgresql://ktrdr@db/x"


@pytest.mark.parametrize(
    "url", ["secret", "mysql://u:secret@h/d", "postgresql://u:secret@h/d?nonsense=1"]
)
def test_what_is_no_url_is_refused_without_repeating_it(url: str):
    with pytest.raises(InputError, match="must look like postgresql://") as caught:
        place_of(url)
    assert "secret" not in str(caught.value)


def test_the_servers_words_are_told_without_the_password():
    words = without_password(ValueError("bad\n  s3cr@t here"), URL)
    assert words == "bad *** here"
