"""Which image somebody wants, from a tag or digests."""

import pytest

from ktrdr.cli.kinfra.deploy.references import (
    Wanted,
    refuse_invalid,
    repository,
    short_name,
)
from ktrdr.errors import InputError

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
BACKEND, WORKER = "reg.example:5000/me/ktrdr-backend:latest", "ktrdr-worker-cpu:prod"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("ktrdr-backend", "ktrdr-backend"),
        ("ktrdr-backend:dev", "ktrdr-backend"),
        ("reg:5000/me/ktrdr-backend", "reg:5000/me/ktrdr-backend"),
        (BACKEND, "reg.example:5000/me/ktrdr-backend"),
        (f"{BACKEND}@{A}", "reg.example:5000/me/ktrdr-backend"),
    ],
)
def test_a_repository_is_a_reference_without_tag_and_digest(reference, expected):
    assert repository(reference) == expected
    assert short_name(reference) == "ktrdr-backend"


@pytest.mark.parametrize(
    "reference",
    [
        *("ktrdr-backend:prod", "registry:5/me/ktrdr-backend@sha256:" + "a" * 64),
        *("ghcr.io/me/my__x/ktrdr-backend:sha-1", "localhost/ktrdr-backend"),
        *("127.0.0.1:5000/ktrdr-backend:V1.0", "localhost:5000/a.b/x:t"),
    ],
)
def test_names_that_images_can_have_are_let_through(reference):
    refuse_invalid(reference)


@pytest.mark.parametrize(
    "reference", ["ghcr.io/OWNER/x:latest", "BAD IMAGE", "/x:latest", "x:", ""]
)
def test_names_that_no_image_can_have_are_refused(reference):
    with pytest.raises(InputError, match="fill in KTRDR_REGISTRY"):
        refuse_invalid(reference)


def test_without_a_wish_it_is_what_the_project_says():
    wanted = Wanted.parse(None, [])
    assert wanted.references([BACKEND]) == {BACKEND: BACKEND}


def test_a_tag_is_for_every_image_and_keeps_its_registry():
    wanted = Wanted.parse("sha-012", [])
    assert wanted.references([BACKEND, WORKER]) == {
        BACKEND: "reg.example:5000/me/ktrdr-backend:sha-012",
        WORKER: "ktrdr-worker-cpu:sha-012",
    }


def test_a_digest_without_a_name_is_for_the_only_image():
    wanted = Wanted.parse(None, [A])
    assert wanted.references([BACKEND]) == {
        BACKEND: f"reg.example:5000/me/ktrdr-backend@{A}"
    }
    with pytest.raises(InputError, match="give NAME@sha256"):
        wanted.references([BACKEND, WORKER])


def test_each_of_several_images_needs_its_digest_or_a_tag():
    both = Wanted.parse(None, [f"ktrdr-backend@{A}", f"x/ktrdr-worker-cpu@{B}"])
    assert both.references([BACKEND, WORKER])[WORKER] == f"ktrdr-worker-cpu@{B}"
    with pytest.raises(InputError, match="no digest was given for ktrdr-worker-cpu"):
        Wanted.parse(None, [f"ktrdr-backend@{A}"]).references([BACKEND, WORKER])
    with_tag = Wanted.parse("t", [f"ktrdr-backend@{A}"])
    assert with_tag.references([BACKEND, WORKER])[WORKER] == "ktrdr-worker-cpu:t"


@pytest.mark.parametrize(
    ("tag", "digests", "said"),
    [
        ("a b", [], "is no tag"),
        ("me/x:1", [], "is no tag"),
        (None, ["sha256:12"], "is no digest"),
        (None, ["latest"], "is no digest"),
        (None, [A, B], "two digests"),
        (None, [f"x@{A}", f"me/x@{B}"], "two digests were given for x"),
    ],
)
def test_what_is_neither_is_refused(tag, digests, said):
    with pytest.raises(InputError, match=said):
        Wanted.parse(tag, digests)


def test_a_digest_of_an_image_that_is_not_deployed_is_refused():
    with pytest.raises(InputError, match="ktrdr-worker-gpu, which is not"):
        Wanted.parse(None, [f"ktrdr-worker-gpu@{A}"]).references([BACKEND])
