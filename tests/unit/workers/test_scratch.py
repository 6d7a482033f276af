import os
import socket
import subprocess
import sys

import pytest

from ktrdr.errors import InputError
from ktrdr.workers.scratch import Scratch

HOST = socket.gethostname()


def test_a_folder_is_lent_and_removed(tmp_path):
    scratch = Scratch(tmp_path / "scratch")
    scratch.open()
    with scratch.folder("one") as folder:
        (folder / "file").touch()
    assert not folder.exists()
    with pytest.raises(ZeroDivisionError), scratch.folder("one") as folder:
        raise ZeroDivisionError
    assert not folder.exists()
    scratch.close()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_dead_processes_left_is_removed_and_nothing_else(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    abandoned = {f"{HOST}-{dead.pid}-ab_1", f"{HOST}-{os.getpid()}-cd"}
    # Another process that lives, another host, and what is none of ours.
    kept = {f"{HOST}-{os.getppid()}-ef", f"elsewhere-{dead.pid}-gh", "notes"}
    for name in (*abandoned, *kept):
        (tmp_path / name).mkdir()
    scratch = Scratch(tmp_path)
    scratch.open()
    names = {folder.name for folder in tmp_path.iterdir()}
    assert names & abandoned == set()
    assert kept < names
    assert len(names) == len(kept) + 1


def test_a_place_that_cant_be_written_to_is_named_with_the_setting(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/scratch: Not a directory.*KTRDR_HOME"):
        Scratch(tmp_path / "file" / "scratch").open()
