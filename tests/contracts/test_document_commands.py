"""Commands in the documents exist, with their options, and something runs them."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from ktrdr.cli.kinfra.main import app as kinfra
from ktrdr.cli.main import app as ktrdr
from tests.contracts.test_container_commands import NOT_RUN, run_by_ci
from tests.documents import PAGES, ROOT, Block, blocks, name_of, words
from tests.pages.test_pages import READ

# Why tests/pages can't run a block, and what runs its commands instead.
NEEDS = {
    "a container engine": ("tests/contracts/test_container_commands.py",),
    **dict.fromkeys(NOT_RUN, ("tests/contracts/test_container_commands.py",)),
    "a collector of traces": ("tests/pages/test_observability_page.py",),
    "an environment of its own": ("tests/pages/test_readme.py", ".ci/run"),
    "a quiet machine": ("tests/unit/benchmarks",),
}
# Read by a test that looks closer at what comes out.
OWN_TESTS = {
    "README.md": "tests/pages/test_readme.py",
    "docs/studies.md": "tests/pages/test_studies_page.py",
}
OTHER_PROGRAMS = {
    "docker", "podman", "export", "source", ".venv/bin/python", ".venv/bin/pytest",
    "cd", "cp", "mkdir", "chmod", "openssl", "for", "done", "tar",
}  # fmt: skip
TARGETS = set(
    re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
)
BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMANDS = sorted({command for block in BLOCKS for command in block.commands})
# Within a sentence or a table, often without arguments.
MENTIONED = sorted(
    {
        mention
        for page in PAGES
        if "reference/" not in str(page)
        for mention in re.findall(r"`((?:ktrdr|kinfra) [a-z][^`]*)`", page.read_text())
    }
)
PROGRAMS: dict[str, Any] = {
    "ktrdr": typer.main.get_command(ktrdr),
    "kinfra": typer.main.get_command(kinfra),
}


def resolved(arguments: list[str]) -> tuple[Any, list[str], list[str]]:
    """Return the command that is meant, its name, and what else was said."""
    command, path = PROGRAMS[arguments[0]], [arguments[0]]
    rest = arguments[1:]
    while rest and rest[0] in getattr(command, "commands", {}):
        path.append(rest.pop(0))
        command = command.commands[path[-1]]
    return command, path, rest


def has_file(name: str) -> bool:
    """Tell whether a file is there, perhaps in the folder of an environment."""
    folder = ROOT / "deploy" / "environments"
    return (ROOT / name).exists() or bool(list(folder.glob(f"*/{name}")))


def check(arguments: list[str]) -> None:
    """Raise an error unless ktrdr or kinfra can be called so."""
    command, path, rest = resolved(arguments)
    assert not hasattr(command, "commands"), f"{' '.join(path)} needs a command"
    # Raises an error that tells what is wrong with them.
    command.make_context(" ".join(path), rest)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_exists_with_its_options(command: str):
    # What stands after it goes to a file.
    name, *arguments = words(command.partition(">")[0])
    name = name.removeprefix(".venv/bin/") if "kinfra" in name else name
    if name == "make":
        assert {word for word in arguments if "=" not in word} <= TARGETS
    elif name in PROGRAMS:
        check([name, *arguments])
    else:
        assert name in OTHER_PROGRAMS
        assert all(map(has_file, re.findall(r"(?:-f |pytest )(\S+)", command)))
        if name in ("docker", "podman") and "ktrdr" in arguments:
            check(arguments[arguments.index("ktrdr") :])


@pytest.mark.parametrize("mention", MENTIONED)
def test_command_that_is_mentioned_exists(mention: str):
    command, path, rest = resolved(words(mention))
    assert len(path) > 1, mention
    if hasattr(command, "commands"):
        assert not rest, f"{' '.join(path)} has no command {rest[0]}"
        return
    options = {name for one in command.params for name in one.opts}
    assert {word for word in rest if word.startswith("--")} <= options


def test_every_block_is_run_or_tells_what_it_needs():
    for block in BLOCKS:
        name = name_of(block.page)
        if block.needs is not None:
            assert block.needs in NEEDS, name
        else:
            assert name in OWN_TESTS or name in READ, f"{name}: nothing runs it"


# Of blocks that are neither typed by a test nor run by CI as they stand: what runs the
# same instead. In an environment of its own each would take minutes.
SAME_AS = {
    "make demo": "tests/e2e/test_demo.py does `ktrdr demo`",
    "source .venv/bin/activate": "the programs of .venv are on the tests' path",
    "make quality": "`make test` begins with it",
    "make test-unit": "`make test` runs these tests among all",
    "make locks": "CI does the same by `make locks CHECK=1`, and compares",
    ".venv/bin/pytest tests/contracts/test_torch_free.py tests/e2e/infra": (
        "`make test` runs these tests among all"
    ),
    ".venv/bin/python -m benchmarks --only workers": (
        "tests/unit/benchmarks does it with fewer workers"
    ),
}


def test_what_an_environment_or_quiet_of_its_own_is_for_is_done_otherwise():
    needs = ("an environment of its own", "a quiet machine")
    shown = {
        " ".join(words(command))
        for block in BLOCKS
        if block.needs in needs
        for command in block.commands
    }
    assert shown - run_by_ci() == set(SAME_AS)


def test_what_runs_blocks_instead_is_there():
    others = [path for paths in NEEDS.values() for path in paths]
    missing = [path for path in others if not (ROOT / path).exists()]
    assert not missing
    for page, test in OWN_TESTS.items():
        assert Path(page).name in (ROOT / test).read_text("utf-8")


def test_no_need_is_named_for_what_could_be_run():
    """A block that only calls ktrdr needs nothing that tests lack."""

    def could_be_run(block: Block) -> bool:
        return all(command.startswith("ktrdr ") for command in block.commands)

    wrong = [block.text for block in BLOCKS if block.needs and could_be_run(block)]
    assert not wrong
