import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from ktrdr.processes import tell_health

PATH = Path(__file__).parents[3] / "deploy/docker/healthcheck.py"
ROUTE = "/health/live"


@pytest.fixture
def file(tmp_path: Path, monkeypatch) -> Path:
    path = tmp_path / "ktrdr-health"
    monkeypatch.setenv("KTRDR_HEALTH_FILE", str(path))
    return path


@pytest.fixture
def healthcheck(file):
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


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_the_server_that_told_of_itself_is_asked(healthcheck, file, host):
    with server("HTTP/1.1 200 OK\r\n\r\n{}") as (port, asked):
        file.write_text(f"{host} {port} {ROUTE}\n")
        assert healthcheck.main() == 0
    assert asked == [ROUTE]


def test_what_servers_write_is_understood(healthcheck, file):
    with server("HTTP/1.1 200 OK\r\n\r\n{}") as (port, asked):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            tell_health(file, listener, ROUTE)
        host, _, route = file.read_text().split()
        file.write_text(f"{host} {port} {route}\n")
        assert healthcheck.main() == 0
    assert asked == [ROUTE]


@pytest.mark.parametrize("answer", ["HTTP/1.1 503 Busy\r\n\r\n", "", "200\r\n"])
def test_another_answer_is_no_life(healthcheck, file, answer):
    with server(answer) as (port, _):
        file.write_text(f"127.0.0.1 {port} {ROUTE}\n")
        assert healthcheck.main() == 1


def test_a_server_that_says_nothing_is_not_waited_for(healthcheck, file, monkeypatch):
    monkeypatch.setattr(healthcheck, "TIMEOUT_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        file.write_text(f"127.0.0.1 {silent.getsockname()[1]} {ROUTE}\n")
        assert healthcheck.main() == 1


def test_a_server_that_is_gone_is_said(healthcheck, file, capsys):
    # Nobody but root can listen on 1.
    file.write_text(f"127.0.0.1 1 {ROUTE}\n")
    assert healthcheck.main() == 1
    assert "nobody answers on 127.0.0.1 port 1" in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, "", "127.0.0.1 x"])
def test_no_server_at_all_is_said(healthcheck, file, capsys, text):
    if text is not None:
        file.write_text(text)
    assert healthcheck.main() == 1
    assert "no server has told where it answers" in capsys.readouterr().err
