"""No text, whatever its size or shape, crashes, hangs or fills the memory."""

import string
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ktrdr.errors import StrategyError
from ktrdr.strategy import Strategy, load_strategy, parse_strategy
from ktrdr.strategy.reader import MAX_BYTES
from tests.unit.strategy.texts import BASE

LINES = BASE.splitlines()


def survives(text: str) -> StrategyError | None:
    """Parse, and check that what comes is a strategy or a list of problems."""
    error = error_of(text)
    if error is None:
        assert isinstance(parse_strategy(text), Strategy)
        return None
    n_lines = text.count("\n") + text.count("\r") + 1
    assert 1 <= len(error.problems) <= 101
    assert all(1 <= (one.line or 1) <= n_lines + 1 for one in error.problems)
    assert len(str(error)) < 200_000
    return error


def error_of(text: str) -> StrategyError | None:
    try:
        parse_strategy(text)
    except StrategyError as error:
        return error
    return None


def whole(unit: str) -> str:
    return (unit * (MAX_BYTES // len(unit.encode())))[:MAX_BYTES]


def alias_bomb() -> str:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20)]
    return "\n".join(levels)


SECTION = {
    "indicators": "  i{}: {{type: rsx}}\n",
    "fuzzy_sets": "  f{}: {{indicator: r{}, auto: {{a, b}}}}\n",
    "nn_inputs": "  - {{fuzzy_set: strengt{}}}\n",
}


def long_section(name: str, n_entries: int) -> str:
    entries = "".join(SECTION[name].format(i, i) for i in range(n_entries))
    return BASE.replace(f"{name}:\n", f"{name}:\n{entries}", 1)


def many_terms(n_terms: int) -> str:
    term = "{type: linear_z, parameters: [0, 1]}"
    terms = "".join(f"    t{i}: {term}\n" for i in range(n_terms))
    return BASE.replace("    indicator: rsi\n", f"    indicator: rsi\n{terms}", 1)


BOMBS = {
    **{f"{unit!r} throughout": whole(unit) for unit in (
        "[", "{", "- ", "? ", '"', "'", "&a ", "*a ", "!", "!<", "%", "%a\n", "#",
        "#\n", " ", "\n", "\r", ":", ": ", "a:\n", "-\n", "?\n", "|", ">", "---\n",
        "...\n", "a ", "a\n", "é", "{a: ", "[a, ", "[],", "{},", "a: 1\n", "a: *b\n",
        "- &a b\n", '"a" ', "{? ", ",", "\t", "\\", "`", "@",
    )},
    "one long plain scalar": "name: " + whole("a")[:-6],
    "one long key": whole("a")[:-3] + ": 1",
    "one long quoted scalar": 'name: "' + whole("a")[:-9] + '"',
    "one long indicator type": BASE.replace("type: rsi", "type: " + "r" * 200_000),
    "one long reference": BASE.replace("indicator: rsi", "indicator: " + "r" * 200_000),
    "escapes": 'name: "' + whole("\\n")[:-9] + '"',
    "digits": "version: " + whole("9")[:-9],
    "digits with a point": "version: 0." + whole("9")[:-11],
    "a huge exponent": "version: 1e" + whole("9")[:-11],
    "block of blank lines": "name: |\n" + whole("\n")[:-8],
    "folded lines": "name: >\n" + whole(" x\n\n")[:-9],
    "indentation": "".join(" " * i + "a:\n" for i in range(700)),
    "aliases": alias_bomb(),
    "different keys": "".join(f"k{i}: 1\n" for i in range(25_000)),
    "nested flow keys": "{" * 31 + "a" + "}" * 31,
    "many indicators": long_section("indicators", 6_000),
    "many fuzzy sets": long_section("fuzzy_sets", 2_000),
    "many inputs": long_section("nn_inputs", 6_000),
    "just few enough indicators": long_section("indicators", 490),
    "just few enough fuzzy sets": long_section("fuzzy_sets", 490),
    "just few enough inputs": long_section("nn_inputs", 490),
    "long names": "\n".join(
        [
            "indicators:",
            *(f"  {letter * 20_000}: {{type: rsi}}" for letter in "abcdef"),
            "fuzzy_sets:",
            *(f"  f{i}: {{indicator: g}}" for i in range(400)),
            "nn_inputs:",
            *(f"  - raw_indicator: g{i}" for i in range(400)),
        ]
    ),
    "many terms": many_terms(4_000),
    "many layers": BASE.replace("type: mlp", "type: mlp\n  hidden_layers: ["
                                + "1, " * 15_000 + "1]"),
    "many symbols": BASE.replace("[EURUSD]", "[" + "A, " * 15_000 + "A]"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_in_seconds_and_little_memory(name):
    text = BOMBS[name]
    survives(BASE)
    start = time.process_time()
    assert survives(text)
    # A few times what is measured: the slowest take 1 s.
    assert time.process_time() - start < 8


@pytest.mark.parametrize("name", ["aliases", "'[],' throughout"])
def test_memory_stays_in_proportion(name):
    text = BOMBS[name]
    survives(BASE)
    tracemalloc.start()
    try:
        survives(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60e6


def test_a_million_digits_are_refused_by_size():
    assert survives("version: " + "9" * 1_000_000)


yaml_like = st.text(
    alphabet=st.sampled_from(
        list("ab01.-:?,[]{}#&*!|>'\"%@`~<= \n\t\\/_\r\0\ufeffé😀")
    ),
    max_size=120,
)


@given(yaml_like)
@settings(max_examples=200, deadline=None)
def test_yaml_like_text(text):
    survives(text)


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_text(text):
    survives(text)


@given(st.integers(0, len(LINES) - 1), yaml_like)
@settings(max_examples=120, deadline=None)
def test_any_line_replaced_by_anything(position, line):
    survives("\n".join([*LINES[:position], line, *LINES[position + 1 :]]))


@given(st.integers(0, len(BASE)), st.integers(0, 30), yaml_like)
@settings(max_examples=120, deadline=None)
def test_any_piece_replaced_by_anything(start, length, piece):
    survives(BASE[:start] + piece + BASE[start + length :])


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from(["all", "rsi", "1h", "balanced", "", "type", "x" * 300]),
    st.text(string.printable, max_size=8),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "parameters", "auto", "indicator", "a", "1"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)


def written(value: object) -> str:
    """YAML in flow style, of which JSON is nearly a part."""
    match value:
        case dict():
            entries = (f"{written(key)}: {written(one)}" for key, one in value.items())
            return "{" + ", ".join(entries) + "}"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case None:
            return "null"
        case _:
            return str(value).lower()


KEYED = [i for i, line in enumerate(LINES) if ": " in line and "- {" not in line]


@given(st.sampled_from(KEYED), values)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_replaced_by_any_other(position, value):
    key = LINES[position].partition(": ")[0]
    line = f"{key}: {written(value)}"
    survives("\n".join([*LINES[:position], line, *LINES[position + 1 :]]))


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(data)
    with pytest.raises(StrategyError):
        load_strategy(path)
