"""What the doctor finds, and what it says is to be done."""

import json
import socket

import pytest
from typer.testing import CliRunner

from ktrdr.cli.kinfra.doctor import host, machine
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked
from ktrdr.cli.kinfra.main import app
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
