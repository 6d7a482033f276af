"""Which system commands talk to."""

import fcntl
import os

import pytest

from ktrdr.cli.local.state import SystemState, lock_path, write_state
from ktrdr.cli.session import WorkOptions, do_work
from ktrdr.cli.stores import artifact_store
from ktrdr.cli.system import named_url, required_client, system_url
from ktrdr.errors import BackendError, InputError
from ktrdr.schemas import BacktestStart
from ktrdr.settings import settings

START = BacktestStart(model="x")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    monkeypatch.delenv("KTRDR_API_URL", raising=False)
    settings.cache_clear()
    (tmp_path / "run").mkdir()
    with lock_path(tmp_path / "run").open("w") as lock:
        # As the supervisor of a running system does.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield tmp_path
    settings.cache_clear()


def write(home, pid):
    state = SystemState(url="http://127.0.0.1:1", pid=pid, started_at="now")
    write_state(home / "run", state)


def test_the_named_one_comes_first_then_the_one_of_ktrdr_up(home, monkeypatch):
    assert system_url(None) is None
    write(home, os.getpid())
    assert system_url(None) == "http://127.0.0.1:1"
    monkeypatch.setenv("KTRDR_API_URL", "http://127.0.0.1:2")
    settings.cache_clear()
    assert system_url(None) == "http://127.0.0.1:2"
    assert system_url("http://127.0.0.1:3") == "http://127.0.0.1:3"


def test_one_that_died_is_none(home):
    write(home, 2**22 + 1)
    assert system_url(None) is None


def test_one_whose_process_id_another_program_has_now_is_none(home):
    write(home, os.getpid())
    lock_path(home / "run").unlink()
    assert system_url(None) is None
    lock_path(home / "run").touch()
    assert system_url(None) is None


def test_what_needs_one_says_how_to_have_one():
    with pytest.raises(BackendError, match=r"ktrdr up.*--url or KTRDR_API_URL"):
        required_client(None)


def test_the_store_is_the_backends_only_if_it_is_named(home):
    write(home, os.getpid())
    assert named_url(None) is None
    assert artifact_store().location == str(home / "store")
    assert artifact_store("http://127.0.0.1:3").location == "http://127.0.0.1:3"


def test_detaching_needs_a_backend():
    with pytest.raises(InputError, match="needs a backend"):
        do_work(START, WorkOptions(detach=True))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (WorkOptions(url="http://127.0.0.1:3", resume=True), "ktrdr ops resume ID"),
        (WorkOptions(url="http://127.0.0.1:3", n_jobs=2), "decided by its workers"),
    ],
)
def test_what_only_works_without_a_backend_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        do_work(START, options)
