"""Environments take slots that nobody else has."""

import json
import socket
import subprocess
import sys

import pytest

from ktrdr.cli.kinfra.environments.registry import (
    entries,
    find_entry,
    project_of,
    release,
    reserve,
)
from ktrdr.cli.kinfra.environments.template import ports_of
from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.settings import settings

RESERVE = """
import sys
from ktrdr.cli.kinfra.environments import registry
# Ports of the machine are no matter of this test.
registry._is_free = lambda port: True
for number in range(2):
    try:
        registry.reserve(f"{sys.argv[1]}{number}", None, repository=None, branch=None)
    except Exception as error:
        print(type(error).__name__)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def take(name: str, slot: int | None = None):
    return reserve(name, slot, repository=None, branch=None)


def test_ports_are_standard_in_slot_0_and_each_slots_own_elsewhere():
    assert ports_of(0) == {"KTRDR_API_PORT": 8000, "KTRDR_DATABASE_PORT": 5432}
    used = [port for slot in range(11) for port in ports_of(slot).values()]
    assert len(set(used)) == len(used)


def test_two_get_two_slots_and_one_that_is_given_back_is_taken_again():
    first, second = take("a"), take("b")
    assert 0 not in (first.slot, second.slot)
    assert first.slot != second.slot
    release("a")
    assert [one.name for one in entries()] == ["b"]
    assert take("c").slot == first.slot


def test_projects_of_two_folders_are_two(folder, monkeypatch):
    first = project_of("sandbox-a")
    assert first == project_of("sandbox-a") != project_of("sandbox-b")
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", str(folder / "other"))
    settings.cache_clear()
    assert project_of("sandbox-a") != first
    monkeypatch.delenv("KTRDR_ENVIRONMENTS")
    settings.cache_clear()
    assert project_of("sandbox-a") == "ktrdr-sandbox-a"


def test_a_name_is_taken_once():
    take("a")
    with pytest.raises(ConflictError, match="a exists: name another"):
        take("a")


def test_a_slot_is_taken_once_and_its_owner_is_told():
    take("a", 7)
    with pytest.raises(ConflictError, match="slot 7 is a's"):
        take("b", 7)


def test_a_slot_whose_port_is_used_is_left_out():
    free = take("a")
    release("a")
    with socket.create_server(("127.0.0.1", ports_of(free.slot)["KTRDR_API_PORT"])):
        assert take("b").slot != free.slot


def test_what_does_not_exist_is_told_with_what_does():
    take("a")
    with pytest.raises(NotFoundError, match="no sandbox 'b'; there are: a"):
        find_entry("b")


@pytest.mark.parametrize("text", ["[{", '[{"nme": "a"}]', "3", "[3]", "\xff"])
def test_a_damaged_registry_is_told_and_stays_as_it_is(folder, text):
    (folder / "registry.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"registry\.json is damaged .* by hand"):
        entries()
    with pytest.raises(InputError):
        take("a")
    assert (folder / "registry.json").read_bytes() == text.encode("latin-1")


def test_creates_at_once_never_collide(folder):
    """Eight processes ask for sixteen slots, of which there are ten."""
    command = [sys.executable, "-c", RESERVE]
    running = [
        subprocess.Popen([*command, f"p{number}-"], stdout=subprocess.PIPE, text=True)
        for number in range(8)
    ]
    refused = "".join(one.communicate()[0] for one in running).split()
    assert {one.returncode for one in running} == {0}
    assert refused == ["ConflictError"] * 6
    rows = json.loads((folder / "registry.json").read_text())
    assert sorted(row["slot"] for row in rows) == list(range(1, 11))
    assert len({row["name"] for row in rows}) == 10
