"""What the doctor finds, and what it says is to be done."""

import json
import socket

import pytest
from typer.testing import CliRunner

from ktrdr.cli.kinfra.doctor import host, machine
from ktrdr.cli.kinfra.environments.registry import entries, reserve
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked
from ktrdr.cli.kinfra.main import app
from ktrdr.errors import NotFoundError
from ktrdr.settings import settings

DOCKER = Engine("docker")
INFO = {"DockerRootDir": "/", "MemTotal": 8e9, "NCPU": 4, "Runtimes": {"runc": {}}}


@pytest.fixture(autouse=True)
def read_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", str(tmp_path / "environments"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def informed(docker, **changes) -> None:
    docker.answer("info --format", out=json.dumps({**INFO, **changes}))


def test_without_an_engine_the_rest_is_examined_all_the_same(engines, monkeypatch):
    monkeypatch.setenv("PATH", str(engines.folder))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    outcomes = {one["name"]: one for one in document["checks"]}
    assert outcomes["engine"]["outcome"] == "failed"
    assert "install or start one" in outcomes["engine"]["detail"]
    assert outcomes["settings"]["outcome"] == "passed"
    assert outcomes["git"]["outcome"] == "failed"
    assert "compose" not in outcomes


def test_podman_in_place_of_a_docker_that_is_away_is_told(engines, monkeypatch):
    engines.install("podman")
    informed(engines)
    (engines.folder / "docker").write_text("#!/bin/sh\nexit 1\n")
    (engines.folder / "docker").chmod(0o755)
    told = "docker is installed and does not answer: no answer; start it"
    assert told in CliRunner().invoke(app, ["doctor", "--json"]).stdout
    monkeypatch.setenv("KTRDR_ENGINE", "podman")
    assert told not in CliRunner().invoke(app, ["doctor", "--json"]).stdout


@pytest.mark.parametrize("release", ["2.26.1-4", "v2.40.0", "5.0.1"])
def test_a_compose_that_is_new_enough(docker, release):
    docker.answer("compose version", out=f"{release}\n")
    assert release.strip("v") in host.compose(DOCKER)


def test_a_compose_that_is_too_old_or_not_there(docker):
    docker.answer("compose version", out="2.17.0\n")
    with pytest.raises(Fault, match=r"2\.17\.0 is too old, expected 2\.20 or newer"):
        host.compose(DOCKER)
    docker.answer("compose version", code=1)
    with pytest.raises(Fault, match="install Docker's compose plugin"):
        host.compose(DOCKER)


def test_a_disk_without_room(docker, monkeypatch):
    informed(docker)
    monkeypatch.setattr(host, "_FREE_GB", 1e9)
    with pytest.raises(Fault, match="docker system prune"):
        host.disk(DOCKER)
    informed(docker, DockerRootDir="/not/here")
    with pytest.raises(NotChecked, match="elsewhere"):
        host.disk(DOCKER)


def test_a_machine_without_memory(docker):
    informed(docker, MemTotal=1e9)
    with pytest.raises(Fault, match=r"1\.0 GB of memory, expected 4"):
        host.size(DOCKER)


def test_a_gpu_that_containers_can_not_use(docker):
    informed(docker)
    program = docker.folder / "nvidia-smi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with pytest.raises(Fault, match="install the NVIDIA container toolkit"):
        host.gpu(DOCKER)
    informed(docker, Runtimes={"nvidia": {}})
    assert "NVIDIA" in host.gpu(DOCKER)


@pytest.mark.parametrize("name", ["nvidia.yaml", "gpu.json"])
def test_a_gpu_of_podman_is_one_that_a_file_tells_it_of(
    engines, tmp_path, monkeypatch, name
):
    program = engines.folder / "nvidia-smi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    folder = tmp_path / "cdi"
    monkeypatch.setattr(host, "_CDI", (str(tmp_path / "nosuch"), str(folder)))
    told = f"cdi generate --output={tmp_path}/nosuch/nvidia.yaml` writes one"
    with pytest.raises(NotChecked, match=told):
        host.gpu(Engine("podman"))
    folder.mkdir()
    (folder / "other.yaml").write_text("kind: example.org/net\n")
    (folder / "nvidia.yaml.old").write_text("kind: nvidia.com/gpu\n")
    with pytest.raises(NotChecked):
        host.gpu(Engine("podman"))
    (folder / name).write_text("kind: nvidia.com/gpu\n")
    assert host.gpu(Engine("podman")) == f"NVIDIA's devices are in {folder / name}"


def test_outside_a_checkout_settings_are_examined_all_the_same(monkeypatch):
    def absent():
        raise NotFoundError("there is no deploy/images.toml")

    monkeypatch.setattr(machine, "load_contract", absent)
    monkeypatch.setenv("KTRDR_API_PORT", "8000")
    assert "variables set" in machine.settings_are_known()
    monkeypatch.setenv("KTRDR_WORKERS_HOST", "0.0.0.0")
    with pytest.raises(Fault, match="nothing reads KTRDR_WORKERS_HOST, did you mean"):
        machine.settings_are_known()


def test_an_environment_without_its_folder_is_told_with_what_removes_it():
    for name, slot in (("local-prod", 0), ("trial", 1)):
        reserve(name, slot, repository=None, branch=None)
    local_prod, trial = entries()
    # With a folder that holds none of it, as commands see it.
    local_prod.folder.mkdir()
    with pytest.raises(Fault) as fault:
        machine.folder()
    assert f"{local_prod.folder} was deleted: `kinfra local-prod destroy --force`" in (
        str(fault.value)
    )
    assert f"{trial.folder} was deleted: `kinfra sandbox destroy trial`" in (
        str(fault.value)
    )


def test_a_port_that_another_program_has(docker, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(host, "ports_of", lambda slot: {"KTRDR_API_PORT": port})
        with pytest.raises(Fault, match=f"other programs listen on {port}"):
            host.ports(DOCKER)
        docker.answer("ps --format", out=f"x-backend-1 127.0.0.1:{port}->8000/tcp")
        assert f"{port} by containers" in host.ports(DOCKER)


def test_a_variable_that_nothing_reads_is_told_with_the_one_that_was_meant(monkeypatch):
    monkeypatch.setenv("KTRDR_WORKERS_HOST", "0.0.0.0")
    with pytest.raises(Fault, match="nothing reads KTRDR_WORKERS_HOST, did you mean"):
        machine.settings_are_known()
    monkeypatch.delenv("KTRDR_WORKERS_HOST")
    # Read by files of compose alone.
    for name in ("KTRDR_BACKTEST_IMAGE", "KTRDR_DATA", "KTRDR_USER", "KTRDR_SECRETS"):
        monkeypatch.setenv(name, "something")
    monkeypatch.setenv("KTRDR_PORT", "many")
    with pytest.raises(Fault, match="KTRDR_PORT is 'many'"):
        machine.settings_are_known()
