"""Which images get a name, and what is pushed."""

import json

import pytest

from ktrdr.cli.kinfra.images.build import (
    Built,
    OverBudgetError,
    Push,
    build_image,
    own_platform,
    push_image,
    source_identity,
)
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine, EngineError
from ktrdr.cli.kinfra.images.recipe import Recipe, Wishes, make_recipe
from ktrdr.errors import InputError
from tests.unit.cli.kinfra.images.archives import image

CONTRACT = load_contract()
BACKEND = CONTRACT.image("backend")


def recipe(*, is_slim: bool = False) -> Recipe:
    wanted = Wishes(platform="linux/amd64", is_slim=is_slim)
    return make_recipe(CONTRACT, BACKEND, wanted, {"COMMIT": "abc"})


def build(engine: str = "docker", *, is_slim: bool = False) -> Built:
    return build_image(Engine(engine), recipe(is_slim=is_slim), CONTRACT.root)


def weigh(docker, megabytes: float) -> None:
    docker.answer("history", out=f"{round(megabytes * 1e6)}\n")


def test_an_image_within_its_budget_gets_its_names(docker):
    weigh(docker, BACKEND.budget_mb)
    built = build()
    assert built.references == BACKEND.references
    assert built.size_mb == BACKEND.budget_mb
    tagged = [call[2:] for call in docker.calls if call[1] == "tag"]
    assert tagged == [["sha256:1234", one] for one in BACKEND.references]


def test_an_image_over_its_budget_fails_and_gets_no_name(docker):
    weigh(docker, BACKEND.budget_mb + 0.1)
    with pytest.raises(OverBudgetError) as refused:
        build()
    assert f"weighs {BACKEND.budget_mb + 0.1:.1f} MB" in str(refused.value)
    assert f"budget is {BACKEND.budget_mb} MB" in str(refused.value)
    assert not [call for call in docker.calls if call[1] == "tag"]


def test_the_slim_target_is_held_to_its_own_budget(docker):
    weigh(docker, BACKEND.budget_mb + 1)
    assert build(is_slim=True).budget_mb == BACKEND.slim_budget_mb


def test_a_failed_build_gives_no_name(docker):
    docker.answer("buildx build", code=1)
    with pytest.raises(EngineError):
        build()
    assert [call[1] for call in docker.calls] == ["buildx"]


def test_a_given_name_is_the_only_one(docker):
    weigh(docker, 1)
    built = build_image(Engine("docker"), recipe(), CONTRACT.root, ("mine:1",))
    assert built.references == ("mine:1",)


def test_podman_builds_in_the_format_that_keeps_health_checks(engines):
    engines.install("podman")
    engines.give_away(image("plain", {"a": b"0"}))
    build("podman")
    assert engines.calls[0][:4] == ["podman", "build", "--format", "docker"]


def test_a_pushed_image_is_named_by_its_digest_alone(docker, tmp_path):
    report = tmp_path / "report.json"
    push = Push(
        repository="ghcr.io/me/ktrdr-backend",
        cache_from=("type=registry,ref=a",),
        cache_to=("type=registry,ref=b",),
        metadata=report,
    )
    pushed = push_image(Engine("docker"), recipe(), CONTRACT.root, push)
    assert pushed == "ghcr.io/me/ktrdr-backend@sha256:5678"
    assert json.loads(report.read_text())["containerimage.digest"] == "sha256:5678"
    (call,) = docker.calls
    output = call[call.index("--output") + 1].split(",")
    assert {"name=ghcr.io/me/ktrdr-backend", "push-by-digest=true"} < set(output)
    assert "--cache-from=type=registry,ref=a" in call
    assert "--cache-to=type=registry,ref=b" in call
    assert "--tag" not in call


def test_podman_does_not_push_by_digest():
    with pytest.raises(InputError, match="only docker"):
        push_image(Engine("podman"), recipe(), CONTRACT.root, Push(repository="x"))


def test_a_source_without_git_has_no_time(tmp_path):
    assert set(source_identity(tmp_path)) == {"COMMIT"}
    identity = source_identity(CONTRACT.root)
    assert identity["SOURCE_DATE_EPOCH"].isdigit()


@pytest.mark.parametrize(
    ("machine", "platform"), [("AMD64", "linux/amd64"), ("arm64", "linux/arm64")]
)
def test_the_platform_is_the_machines(monkeypatch, machine, platform):
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert own_platform() == platform


def test_a_machine_without_images_is_told_which_there_are(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(InputError, match=r"riscv64.*linux/amd64 and linux/arm64"):
        own_platform()
