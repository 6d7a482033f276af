"""Which image is meant."""

import json

import pytest

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.references import choose_images, find_image
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


def test_a_reference_that_is_not_there_is_pulled(docker):
    docker.answer("image inspect", code=1)
    with pytest.raises(NotFoundError):
        find_image(CONTRACT, DOCKER, "x:1")
    assert ["docker", "pull", "x:1"] in docker.calls


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
