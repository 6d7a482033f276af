import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

PATH = Path(__file__).parents[3] / "deploy/docker/healthcheck.py"
LIVE = {"KTRDR_PORT": "/api/v1/health/live", "KTRDR_WORKER_PORT": "/health/live"}


@pytest.fixture
def healthcheck(monkeypatch):
    # No server there: 1 is a port that nobody but root can listen on.
    for name in LIVE:
        monkeypatch.setenv(name, "1")
    spec = spec_from_file_location("healthcheck", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def server(answer: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the port of a server of one answer, and the paths it is asked for."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(1000).decode().split()[1])
                connection.sendall(answer.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], asked
        thread.join()


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize("host", ["", "0.0.0.0", "127.0.0.1"])
def test_whichever_server_runs_is_asked(healthcheck, monkeypatch, name, host):
    monkeypatch.setenv(name.replace("PORT", "HOST"), host)
    with server("HTTP/1.1 200 OK\r\n\r\n{}") as (port, asked):
        monkeypatch.setenv(name, str(port))
        assert healthcheck.main() == 0
    assert asked == [LIVE[name]]


@pytest.mark.parametrize("answer", ["HTTP/1.1 503 Busy\r\n\r\n", "", "200\r\n"])
def test_another_answer_is_no_life(healthcheck, monkeypatch, answer):
    with server(answer) as (port, _):
        monkeypatch.setenv("KTRDR_PORT", str(port))
        assert healthcheck.main() == 1


def test_a_server_that_says_nothing_is_not_waited_for(healthcheck, monkeypatch):
    monkeypatch.setattr(healthcheck, "TIMEOUT_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("KTRDR_WORKER_PORT", str(silent.getsockname()[1]))
        assert healthcheck.main() == 1


def test_no_server_at_all_is_said(healthcheck, capsys):
    assert healthcheck.main() == 1
    assert "neither a backend nor a worker" in capsys.readouterr().err
