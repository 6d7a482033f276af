"""The command's answer and exit code."""

import json

import pytest
from typer.testing import CliRunner

from ktrdr.cli.kinfra.images.commands import app
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.verify import run
from ktrdr.cli.kinfra.images.verify.check import Check, Outcome
from ktrdr.cli.kinfra.images.verify.report import Report
from ktrdr.errors import InputError, NotFoundError

CONTRACT = load_contract()
INSPECT = "image inspect"


@pytest.fixture
def outcomes(monkeypatch):
    """Say how the checks of each image come out."""
    told: dict[str, Outcome] = {}

    def verify_image(engine, contract, found, **_):
        outcome = told.get(found.image.key, "passed")
        check = Check(name="size", outcome=outcome, detail="[5] of 4", seconds=0.1)
        return Report(
            key=found.image.key,
            reference=found.reference,
            engine=engine.name,
            checks=(check,),
        )

    monkeypatch.setattr(run, "verify_image", verify_image)
    monkeypatch.setattr("ktrdr.cli.kinfra.images.verify.verify_image", verify_image)
    return told


def verify(*arguments: str):
    return CliRunner().invoke(app, ["verify", *arguments])


def test_all_passed_is_success(docker, outcomes):
    docker.answer(INSPECT, out="[{}]")
    done = verify("backend", "dev")
    assert done.exit_code == 0
    assert done.stdout.count("1 passed, 0 failed") == 2


def test_any_failed_is_failure_and_is_shown(docker, outcomes):
    docker.answer(INSPECT, out="[{}]")
    outcomes["dev"] = "failed"
    done = verify("backend", "dev")
    assert done.exit_code == 1
    assert "[5] of 4" in done.stdout


def test_what_is_not_checked_is_no_failure(docker, outcomes):
    docker.answer(INSPECT, out="[{}]")
    outcomes["backend"] = "skipped"
    assert verify("backend").exit_code == 0


def test_json_tells_every_check(docker, outcomes):
    docker.answer(INSPECT, out="[{}]")
    outcomes["backend"] = "failed"
    done = verify("backend", "--json")
    (image,) = json.loads(done.stdout)["images"]
    assert done.exit_code == 1
    assert (image["image"], image["outcome"]) == ("backend", "failed")
    assert image["checks"] == [
        {"name": "size", "outcome": "failed", "detail": "[5] of 4", "seconds": 0.1}
    ]


def test_all_tells_which_images_are_not_here(docker, outcomes):
    there = CONTRACT.image("backend").reference
    docker.answer(f"{INSPECT} {there}", out="[{}]")
    docker.answer(INSPECT, code=1)
    done = verify("--all", "--json")
    images = {one["image"]: one["outcome"] for one in json.loads(done.stdout)["images"]}
    others = {one.key: "skipped" for one in CONTRACT.images if one.key != "backend"}
    assert images == {"backend": "passed", **others}
    assert done.exit_code == 0


def test_expected_image_counts_and_not_its_label(docker, outcomes):
    told = {"Config": {"Labels": {"org.ktrdr.image": "worker-cpu"}}}
    docker.answer(INSPECT, out=json.dumps([told]))
    outcomes["backend"] = "failed"
    assert verify("x:1").exit_code == 0
    done = verify("x:1", "--as", "backend", "--json")
    (image,) = json.loads(done.stdout)["images"]
    assert done.exit_code == 1
    assert (image["image"], image["reference"]) == ("backend", "x:1")


@pytest.mark.parametrize(
    "arguments",
    [("--as", "backend"), ("x:1", "--all", "--as", "backend"), ("x:1", "--slim")],
)
def test_what_is_expected_is_told_of_a_reference(docker, outcomes, arguments):
    assert isinstance(verify(*arguments).exception, InputError)
    assert docker.calls == []


def test_image_that_is_named_must_be_here(docker, outcomes):
    docker.answer(INSPECT, code=1)
    done = verify("backend")
    assert isinstance(done.exception, NotFoundError)
