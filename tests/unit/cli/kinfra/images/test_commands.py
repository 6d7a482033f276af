"""The commands, with an engine that only answers."""

import json

import pytest
from typer.testing import CliRunner

from ktrdr.cli.kinfra.images import sizes as weighing
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.cli.kinfra.images.layers import Layers
from ktrdr.cli.kinfra.main import app
from ktrdr.errors import InputError

BACKEND = load_contract().image("backend")
WORKER = load_contract().image("worker-cpu")


def kinfra(*arguments: str):
    return CliRunner().invoke(app, ["images", *arguments])


def test_the_matrix_is_one_line_as_a_workflow_needs_it():
    printed = kinfra("matrix", "--json").stdout
    assert printed.count("\n") == 1
    assert set(json.loads(printed)) == {"build", "image"}
    assert "worker-gpu  linux/amd64" in kinfra("matrix").stdout


def test_the_list_tells_every_image():
    shown = json.loads(kinfra("list", "--json").stdout)
    assert [one["key"] for one in shown["images"]] == [
        one.key for one in load_contract().images
    ]
    assert "ktrdr-worker-gpu:prod" in kinfra("list").stdout


def test_a_build_tells_what_came_out(docker):
    docker.answer("history", out="200000000\n")
    document = json.loads(kinfra("build", "backend", "--json").stdout)
    (built,) = document["images"]
    assert built["size_mb"] == 200.0
    assert built["references"] == list(BACKEND.references)
    assert f"200.0 of {BACKEND.budget_mb} MB" in kinfra("build", "backend").stdout


def test_a_pushed_build_prints_its_reference_alone(docker):
    done = kinfra("build", "backend", "--push-by-digest", "ghcr.io/me/b", "--json")
    assert json.loads(done.stdout)["reference"] == "ghcr.io/me/b@sha256:5678"
    done = kinfra("build", "backend", "--push-by-digest", "ghcr.io/me/b")
    assert done.stdout == "ghcr.io/me/b@sha256:5678\n"


@pytest.mark.parametrize(
    "arguments", [(), ("backend", "dev", "--tag", "x"), ("--all", "--tag", "x")]
)
def test_a_build_is_told_which_image_it_is_of(docker, arguments):
    done = kinfra("build", *arguments)
    assert isinstance(done.exception, InputError)
    assert docker.calls == []


def weigh(docker, monkeypatch, *, pull_mb: float):
    docker.answer("image inspect ktrdr-worker-cpu:prod", out="[{}]")
    docker.answer("image inspect", code=1)
    packages = [[f"package{number}", "1", number * 1_000_000] for number in range(25)]
    docker.answer("run", out=json.dumps(packages))
    found = Layers(
        count=3,
        kept_bytes=693_000_000,
        total_bytes=700_000_000,
        pull_bytes=round(pull_mb * 1e6),
    )
    monkeypatch.setattr(weighing, "read_layers", lambda engine, reference: found)


def test_sizes_shows_budget_packages_layers_and_the_first_versions_figure(
    docker, monkeypatch
):
    weigh(docker, monkeypatch, pull_mb=200)
    done = kinfra("sizes")
    assert done.exit_code == 0
    row = next(line for line in done.stdout.splitlines() if "worker-cpu:prod" in line)
    assert row.split() == [
        *("ktrdr-worker-cpu:prod", "700", str(WORKER.budget_mb)),
        *(f"{WORKER.seeds_mb:,}", "200", "3", "99.0%"),
    ]
    assert "package24 1" in done.stdout
    assert "package4 1" not in done.stdout
    assert "5 others" in done.stdout
    (row,) = json.loads(kinfra("sizes", "--json").stdout)["images"]
    assert row["packages"][0] == {"name": "package24", "version": "1", "size_mb": 24.0}


def test_sizes_lists_what_is_not_built_here_beside_the_first_versions_figure(
    docker, monkeypatch
):
    weigh(docker, monkeypatch, pull_mb=200)
    lines = kinfra("sizes").stdout.splitlines()
    for image in load_contract().images:
        (row,) = [one for one in lines if one.startswith(f"{image.reference} ")]
        assert f"{image.budget_mb:,}" in row.split()
        assert f"{image.seeds_mb:,}" in row.split()
        assert ("not built here" in row) == (image.key != "worker-cpu")
    document = json.loads(kinfra("sizes", "--json").stdout)
    assert [one["key"] for one in document["images"]] == ["worker-cpu"]
    assert document["absent"][0] == {
        "key": "backend",
        "budget_mb": BACKEND.budget_mb,
        "pull_budget_mb": None,
        "seeds_mb": BACKEND.seeds_mb,
    }


def test_sizes_where_nothing_is_built_is_no_failure(docker):
    docker.answer("image inspect", code=1)
    done = kinfra("sizes")
    assert done.exit_code == 0
    assert done.stdout.count("not built here") == len(load_contract().images)


def test_sizes_of_a_named_image_that_is_not_there_fails(docker):
    docker.answer("save", code=1, err="reference does not exist")
    assert isinstance(kinfra("sizes", "backend").exception, EngineError)


def test_sizes_fails_where_an_image_takes_too_long_to_pull(docker, monkeypatch):
    assert WORKER.pull_budget_mb is not None
    weigh(docker, monkeypatch, pull_mb=WORKER.pull_budget_mb + 1)
    done = kinfra("sizes")
    assert done.exit_code == 1
    assert f"{WORKER.pull_budget_mb + 1:.1f} MB to pull" in done.stderr
