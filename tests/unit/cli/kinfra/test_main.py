"""How the command ends when the system or a terminal asks it to."""

import os
import signal

import pytest

from ktrdr.cli.kinfra import main


@pytest.fixture(params=[signal.SIGTERM, signal.SIGHUP])
def number(request):
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    signal.signal(request.param, before)


def test_what_a_command_does_last_is_done(number, monkeypatch):
    done = []

    def run(app) -> int:
        try:
            os.kill(os.getpid(), number)
            return 0
        finally:
            done.append("last")

    monkeypatch.setattr(main, "run", run)
    with pytest.raises(SystemExit) as left:
        main.main()
    assert left.value.code == 128 + number
    assert done == ["last"]


def test_a_terminal_may_close_under_nohup(number, monkeypatch):
    def run(app) -> int:
        os.kill(os.getpid(), number)
        return 0

    signal.signal(number, signal.SIG_IGN)
    monkeypatch.setattr(main, "run", run)
    with pytest.raises(SystemExit) as left:
        main.main()
    assert left.value.code == 0
