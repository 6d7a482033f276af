"""Which image is meant."""

import json

import pytest

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.references import (
    choose_images,
    expect_image,
    expect_reference,
    find_image,
)
from ktrdr.errors import InputError, NotFoundError

CONTRACT = load_contract()
DOCKER = Engine("docker")


def labelled(**labels: str) -> str:
    return json.dumps([{"Config": {"Labels": labels}}])


def test_a_key_names_the_local_image():
    found = find_image(CONTRACT, DOCKER, "worker-cpu")
    assert found.reference == "ktrdr-worker-cpu:prod"
    assert found.budget_mb == CONTRACT.image("worker-cpu").budget_mb


def test_any_other_reference_tells_by_its_labels_what_it_is(docker):
    told = {"org.ktrdr.image": "backend", "org.ktrdr.target": "slim"}
    docker.answer("image inspect", out=labelled(**told))
    found = find_image(CONTRACT, DOCKER, "ghcr.io/me/x@sha256:1")
    assert found.image.key == "backend"
    assert found.reference == "ghcr.io/me/x@sha256:1"
    assert found.budget_mb == CONTRACT.image("backend").slim_budget_mb


@pytest.mark.parametrize("is_slim", [False, True])
def test_expected_image_is_not_what_its_labels_say(docker, is_slim):
    told = {"org.ktrdr.image": "worker-cpu", "org.ktrdr.target": "slim"}
    docker.answer("image inspect", out=labelled(**told))
    found = expect_image(CONTRACT, DOCKER, "x:1", "backend", is_slim=is_slim)
    assert (found.image.key, found.reference) == ("backend", "x:1")
    backend = CONTRACT.image("backend")
    budget = backend.slim_budget_mb if is_slim else backend.budget_mb
    assert found.budget_mb == budget


def test_expected_image_may_be_named_by_a_key(docker):
    found = expect_image(CONTRACT, DOCKER, "worker-cpu", "backend")
    assert found.reference == "ktrdr-worker-cpu:prod"


def test_expected_image_that_is_not_there_is_pulled(docker):
    docker.answer("image inspect", code=1)
    expect_image(CONTRACT, DOCKER, "host.example/x:1", "backend")
    assert ["docker", "pull", "host.example/x:1"] in docker.calls


def test_image_without_slim_is_not_expected_to_be_slim(docker):
    with pytest.raises(InputError, match="dev has no target slim"):
        expect_image(CONTRACT, DOCKER, "x:1", "dev", is_slim=True)


def test_a_reference_that_is_not_there_is_pulled(docker):
    docker.answer("image inspect", code=1)
    with pytest.raises(NotFoundError):
        find_image(CONTRACT, DOCKER, "localhost:5000/x:1")
    assert ["docker", "pull", "localhost:5000/x:1"] in docker.calls


@pytest.mark.parametrize("name", ["worker", "ktrdr-backend:nosuch", "owner/x"])
def test_what_names_no_registry_is_not_pulled_from_the_public_one(docker, name):
    docker.answer("image inspect", code=1)
    with pytest.raises(NotFoundError, match=rf"no image {name} here.*worker-gpu"):
        find_image(CONTRACT, DOCKER, name)
    assert not [call for call in docker.calls if call[1] == "pull"]


@pytest.mark.parametrize("labels", ["null", '{"maintainer": "me"}'])
def test_somebody_elses_image_is_refused(docker, labels):
    docker.answer("image inspect", out=f'[{{"Config": {{"Labels": {labels}}}}}]')
    with pytest.raises(InputError, match=r"no label org\.ktrdr\.image.*backend"):
        find_image(CONTRACT, DOCKER, "postgres:17")


def test_without_names_those_that_are_there_are_meant(docker):
    docker.answer("image inspect ktrdr-backend:prod", out=labelled())
    docker.answer("image inspect", code=1)
    found = choose_images(CONTRACT, DOCKER, [])
    assert [one.image.key for one in found] == ["backend"]


def test_where_none_is_there_the_user_hears_how_to_build_them(docker):
    docker.answer("image inspect", code=1)
    with pytest.raises(NotFoundError, match="make images"):
        choose_images(CONTRACT, DOCKER, [])


@pytest.mark.parametrize(
    "name",
    [
        *("ktrdr-backend", "ktrdr-backend:prod", "me/x:1", "localhost:5000/x"),
        *("Registry.example:5000/me/a_b.c:T-1", f"[::1]:5000/x:1@sha256:{'0' * 64}"),
    ],
)
def test_a_name_that_engines_take_is_taken(name):
    assert expect_reference(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "BAD IMAGE", "Upper", "x:", "x:a b", "x/", "/x", "x:1\n"),
        *("x@sha256:1", f"x@sha256:{'A' * 64}", f"x:{'1' * 129}"),
    ],
)
def test_a_name_that_no_engine_takes_is_refused(name):
    with pytest.raises(InputError, match="names no image; expected such as"):
        expect_reference(name)
