from ktrdr.cli.rerun import excerpts


def test_short_texts_are_shown_whole():
    assert excerpts("3.0", "-0.19") == ("3.0", "-0.19")


def test_long_texts_are_shown_where_they_part():
    same = "# Minimal: the fewest keys that make a strategy.\n" * 5
    before, after = excerpts(f"{same}epochs: 30", f"{same}epochs: 3, seed: 1")
    assert before != after
    assert before.endswith("epochs: 30")
    assert after.endswith("epochs: 3, seed: 1")
    assert max(len(before), len(after)) < 70


def test_long_texts_that_part_at_once_are_shown_from_their_beginning():
    assert excerpts("a" * 100, "b" * 100) == ("a" * 64, "b" * 64)


def test_what_was_added_to_a_long_text_is_shown():
    before, after = excerpts("a" * 100, "a" * 100 + "new")
    assert before == "..." + "a" * 16
    assert after == before + "new"
