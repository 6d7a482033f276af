"""When a server counts as ready, and what it is started with."""

import pytest

from ktrdr.cli.kinfra.images.verify import serving
from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.cli.kinfra.images.verify.system import Server, System
from tests.unit.cli.kinfra.images.verify.subjects import CONTRACT, subject

RUNS = [(one.key, role) for one in CONTRACT.images for role in one.does]


@pytest.fixture
def waits(monkeypatch):
    """Answer at once, and say of each probe after how long; return the limits."""
    limits: list[tuple[str, float]] = []

    def seconds_until(self, *probe, limit_s):
        told = " ".join(probe)
        limits.append((told, limit_s))
        if "/health/ready" in told:
            return 7.0
        return 1.0

    monkeypatch.setattr(Server, "seconds_until", seconds_until)
    return limits


def run(docker, key: str, role: str) -> str:
    docker.answer("run --rm", out='{"token": "t"}')
    docker.answer("container inspect", out="false 0\n")
    system = System(subject=subject(key), name="s", password="p")
    if role == "serve":
        return serving.backend(system)
    states = iter(["ready", "stopped"])
    object.__setattr__(system, "query", lambda _: next(states))
    return serving.worker(system, role)


@pytest.mark.parametrize(("key", "role"), RUNS)
def test_time_to_ready_is_until_it_takes_work_not_until_it_is_alive(
    docker, waits, key, role
):
    assert " after 7.0 s" in run(docker, key, role)
    (ready, limit_s), (health, _) = waits[:2]
    assert ready.endswith("/health/ready  200")
    assert limit_s == CONTRACT.image(key).ready_s
    assert health == "python -I -S /app/healthcheck.py"


@pytest.mark.parametrize(("key", "role"), RUNS)
def test_first_role_is_what_the_image_starts_by_itself(docker, waits, key, role):
    run(docker, key, role)
    image = CONTRACT.image(key)
    (call,) = [call for call in docker.calls if "--detach" in call]
    given = tuple(call[call.index(image.reference) + 1 :])
    own = ("ktrdr", "serve") if role == "serve" else ("ktrdr", "worker", role)
    if role == image.does[0]:
        assert given == ()
        assert image.command == own
    else:
        assert given == own


def test_server_that_is_alive_but_never_ready_fails(docker, monkeypatch):
    def seconds_until(self, *probe, limit_s):
        if "/health/ready" in " ".join(probe):
            raise Fault("status 503")
        return 1.0

    monkeypatch.setattr(Server, "seconds_until", seconds_until)
    with pytest.raises(Fault, match="503"):
        run(docker, "backend", "serve")
