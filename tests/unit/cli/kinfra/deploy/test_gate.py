"""What a service has to be before it is relied on."""

import pytest

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.gate import Gate, GateError
from ktrdr.cli.kinfra.deploy.probe import role_of
from ktrdr.cli.kinfra.images.engine import EngineError
from tests.unit.cli.kinfra.deploy.world import NEW, OLD, FakeImage, World


def gate(image: FakeImage, service: str = "backend") -> tuple[World, Gate]:
    world = World([], {"x": image})
    world.up(service, "x")
    return world, Gate(project=world, limit_s=0.05, pause_s=0.001)


def test_a_service_that_runs_the_image_and_reports_its_build_passes():
    for service in ("backend", "backtest-worker-1", "mcp"):
        world, one = gate(FakeImage(NEW), service)
        one.await_service(service, FakeImage(NEW).pin)
        assert world.tokens == 0


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (FakeImage(NEW, "unhealthy"), "its health check fails"),
        (FakeImage(NEW, "crashes"), "ended with exit code 3"),
        (FakeImage(NEW, "starts again"), "ended with exit code 0"),
        (FakeImage(NEW, "never ready"), "not ready: the store is away"),
        (FakeImage(OLD), f"runs the image {OLD}, expected {NEW}"),
        (FakeImage(NEW, reported="0.9"), "reports the commit commit of 0.9, expected"),
    ],
)
@pytest.mark.parametrize("service", ["backend", "training-worker-gpu"])
def test_what_is_wrong_is_told_with_the_services_last_words(image, said, service):
    world, one = gate(image, service)
    with pytest.raises(GateError, match=said) as failed:
        one.await_service(service, FakeImage(NEW).pin)
    assert f"last words of {service}" in str(failed.value)
    assert world.tokens == 0


def test_a_service_without_a_container_does_not_pass():
    world = World([], {})
    with pytest.raises(GateError, match="it has no container"):
        Gate(project=world, limit_s=0.01, pause_s=0.001).await_service(
            "backend", FakeImage(NEW).pin
        )


class Unsteady(World):
    """The link to the host fails when asked for the n-th time, for n in ``silent``."""

    def __init__(self, silent: range) -> None:
        super().__init__([], {"x": FakeImage(NEW)})
        self.asked = 0
        self._silent = silent

    def containers(self, service: str) -> tuple[Container, ...]:
        self.asked += 1
        if self.asked in self._silent:
            raise EngineError("ssh: Connection timed out")
        return super().containers(service)


def test_a_moment_without_network_is_waited_for():
    world = Unsteady(range(1, 4))
    world.up("backend", "x")
    one = Gate(project=world, limit_s=60, pause_s=0.001)
    one.await_service("backend", FakeImage(NEW).pin)
    assert world.asked == 4


def test_a_host_that_stays_away_does_not_pass():
    world = Unsteady(range(1, 10_000))
    world.up("backend", "x")
    one = Gate(project=world, limit_s=0.01, pause_s=0.001)
    with pytest.raises(GateError, match=r"not ready after .* Connection timed out"):
        one.await_service("backend", FakeImage(NEW).pin)


def test_roles_follow_from_names():
    assert role_of("backend") == "backend"
    assert role_of("backtest-worker-2") == role_of("training-worker") == "worker"
    assert role_of("mcp") is role_of("workers-dashboard") is None


def test_a_service_of_others_has_to_run_or_to_have_done_its_work():
    world = World([], {"x": FakeImage(NEW, "crashes"), "y": FakeImage(OLD)})
    world.up("database", "y")
    one = Gate(project=world, limit_s=0.01, pause_s=0.001)
    one.await_healthy("database")
    # Stopped by somebody, it has no work that could be done.
    world.stop("database")
    with pytest.raises(GateError, match=r"run well \(exited, healthy\)"):
        one.await_healthy("database")
    world.turn_into_job("database")
    one.await_healthy("database")
    world.up("database", "x")
    with pytest.raises(GateError, match="database does not run well"):
        one.await_healthy("database")
