"""What the stages of a Dockerfile repeat says the same in each."""

import re
import tomllib

import pytest

from ktrdr.cli.kinfra.images.contract import Image, load_contract
from tests.contracts.test_dockerfiles import final_stage, instructions, read, values

CONTRACT = load_contract()
LABEL = re.compile(r'([a-z.]+)=("[^"]*"|\S+)')
ASSEMBLED = [image for image in CONTRACT.images if image.slim_budget_mb is not None]
# What a container is started with.
SETTINGS = (
    "ENV",
    "USER",
    "VOLUME",
    "WORKDIR",
    "EXPOSE",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
)
each_image = pytest.mark.parametrize(
    "image", CONTRACT.images, ids=lambda image: str(image.key)
)
each_assembled_image = pytest.mark.parametrize(
    "image", ASSEMBLED, ids=lambda image: str(image.key)
)
Stage = list[tuple[str, str]]


def stage(image: Image, name: str) -> Stage:
    found = instructions(read(image))
    starts = [at for at, (instruction, _) in enumerate(found) if instruction == "FROM"]
    for start, end in zip(starts, [*starts[1:], len(found)], strict=True):
        if found[start][1].endswith(f" AS {name}"):
            return found[start:end]
    raise AssertionError(f"{image.dockerfile} has no stage {name}")


def labels(found: Stage) -> dict[str, str]:
    (line,) = values(found, "LABEL")
    return {name: value.strip('"') for name, value in LABEL.findall(line)}


def settings(found: Stage) -> dict[str, list[str]]:
    return {
        name: [" ".join(line.split()) for line in values(found, name)]
        for name in SETTINGS
    }


@each_assembled_image
def test_slim_image_starts_as_the_assembled_one(image: Image):
    slim, final = stage(image, "slim"), final_stage(instructions(read(image)))
    assert settings(slim) == settings(final)
    assert labels(slim) == {**labels(final), "org.ktrdr.target": "slim"}


@each_assembled_image
def test_assembled_image_starts_from_nothing(image: Image):
    final = final_stage(instructions(read(image)))
    assert values(final, "FROM") == ["scratch"]
    # Nothing runs there: it holds what other stages made, one layer each.
    assert not values(final, "RUN")


@each_image
def test_labels_tell_which_image_and_release_it_is(image: Image):
    project = tomllib.loads((CONTRACT.root / "pyproject.toml").read_text("utf-8"))
    found = labels(final_stage(instructions(read(image))))
    assert found["org.ktrdr.image"] == image.key
    assert found["org.opencontainers.image.version"] == project["project"]["version"]
    assert found["org.opencontainers.image.licenses"] == project["project"]["license"]
    assert found["org.opencontainers.image.revision"] == "${COMMIT}"


@each_image
def test_build_info_is_told_the_same_image_and_locks(image: Image):
    (line,) = [
        line
        for line in values(instructions(read(image)), "RUN")
        if "project.py" in line
    ]
    given = line.partition("project.py ")[2].partition("&&")[0].split()
    locks = [f"locks/{image.lock.rpartition('/')[2]}"]
    if image.accelerator != "none":
        locks.append(f"locks/torch-{image.accelerator}.txt")
    assert given[:2] == [image.key, image.accelerator]
    assert [word for word in given if word.startswith("locks/")] == locks


@each_image
def test_torch_is_trimmed_for_the_image_s_own_build(image: Image):
    trims = re.findall(r"python scripts/trim_torch\.py (\w+)", read(image))
    assert trims == ([] if image.accelerator == "none" else [image.accelerator])
