"""The subset of YAML that a strategy may use."""

import pytest

from ktrdr.strategy.reader import read_tree
from ktrdr.strategy.tree import Node, Path
from tests.unit.strategy.texts import BASE, problems_of


def test_lines_are_those_of_the_keys():
    root, problems = read_tree(
        "a:\n  b:\n    - 1\n    -\n      c: 2\n# end\nd: {e: 3}\n"
    )
    assert not problems
    assert root is not None
    assert root.value() == {"a": {"b": (1, {"c": 2})}, "d": {"e": 3}}
    lines = {
        path: line_at(root, path)
        for path in [("a",), ("a", "b"), ("a", "b", 1), ("d",)]
    }
    assert lines == {("a",): 1, ("a", "b"): 2, ("a", "b", 1): 5, ("d",): 7}


def line_at(node: Node, path: Path) -> int:
    for step in path:
        child = node.child(step)
        assert child is not None
        node = child
    return node.line


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "no values"),
        ("# only a comment", None, "no values"),
        ("---\n", None, None),
        ("a: 1\n--- \nb: 2", 2, "second document"),
        ("%YAML 1.2\n---\na: 1", 1, "directive"),
        ("%TAG ! tag:x,2000:\n---\na: 1", 1, "directive"),
        ("a: &x 1", 1, "anchor &x"),
        ("a: 1\nb: *x", 2, "alias"),
        ("a: !!python/object:os.system x", 1, "tag"),
        ("a: !!int 5", 1, "tag"),
        ("a: ! 5", 1, "tag"),
        ("a: !x [1]", 1, "tag"),
        ("a: 1\n<<: {b: 1}", 2, "merge key"),
        ("a: 1\nb: 2\na: 3", 3, "twice, first in line 1"),
        ("1: a", 1, "not text: 1"),
        ("true: a", 1, "not text: true"),
        ("a: {~: 1}", 1, "not text: ~"),
        ("? [a]\n: 1", 1, "not text"),
        ("? {a: 1}\n: 1", 1, "not text"),
        ("a: .nan", 1, "finite"),
        ("a: 1e999", 1, "finite"),
        ("a: 12345678901234567890", 1, "digits"),
        ("a:\n\tb: 1", 2, "not valid YAML"),
        ("a: [1, 2", 1, "not valid YAML"),
        ("a: b: c", 1, "not valid YAML"),
        ("a: 'b", 1, "not valid YAML"),
        ("a: @b", 1, "not valid YAML"),
        ("a: x\0y", 1, "U+0000"),
        ('a: 1\nb: "x\\0y"', 2, "U+0000"),
        ('a: "\\ud800"', 1, "U+D800"),
        ("a: \ud800", 1, "U+D800"),
        ("a: 1\n\nb: \x1b[31m", 3, "U+001B"),
        ("a: \u202ecba", 1, "U+202E"),
        ("a: x\ufeff", 1, "U+FEFF"),
        ('a: "\\U99999999"', 1, "impossible number"),
        ("%YAML 1." + "1" * 5000 + "\n---\na: 1", 1, "impossible number"),
        ("a: '" + "x" * 300_000 + "'", None, "expected at most 262,144"),
        ("a: " + "[" * 40, 1, "at most 32 levels"),
        ("a:\n" + "- 1\n" * 20_000, 19_999, "at most 20,000 values"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text, line, message):
    found = problems_of(text)
    if message is None:
        assert found[0].message == "found nothing, expected keys with values"
    else:
        assert any(message in one.message and one.line == line for one in found)


def test_problems_of_the_reader_stand_beside_those_of_the_values():
    text = BASE.replace("rsi: {", "rsi: &x {") + "unknown: .inf\nunknown: 1\n"
    paths = {problem.path for problem in problems_of(text)}
    assert paths == {"indicators.rsi", "unknown"}


def test_a_broken_value_is_reported_once():
    text = BASE.replace("horizon: 12", "horizon: .inf")
    (problem,) = problems_of(text)
    assert problem.path == "training.labels.horizon"
    assert problem.message == "found .inf, expected a finite number"


def test_the_number_of_problems_is_bounded():
    text = "".join(f"a: {i}\n" for i in range(5000))
    found = problems_of(text)
    assert len(found) == 101
    assert "read no further" in found[-1].message


@pytest.mark.parametrize(
    "text", ["\ufeff" + BASE, BASE.replace("\n", "\r\n"), BASE.replace("\n", "\r")]
)
def test_byte_order_mark_and_line_ends_of_other_systems_are_taken(text):
    root, problems = read_tree(text)
    plain, _ = read_tree(BASE)
    assert not problems
    assert root == plain
