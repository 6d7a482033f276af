"""Dockerfiles are clean, portable, and agree with the table of images."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.contract import Image, load_contract

ROOT = Path(__file__).parents[2]
CONTRACT = load_contract(ROOT)
Instruction = tuple[str, str]
# What Podman and Docker do not both build, or what another machine can't resolve.
UNPORTABLE = {
    "names a frontend": re.compile(r"^# *syntax *=", re.MULTILINE),
    "has a heredoc": re.compile(r"^[A-Z]+ .*<<-?['\"]?\w", re.MULTILINE),
    "copies in a way of one engine": re.compile(
        r"^COPY .*--(link|exclude|parents)\b", re.MULTILINE
    ),
    "mounts at a place that is not absolute": re.compile(r"--mount=\S*target=[^/]"),
    "fetches": re.compile(r"^ADD |\b(curl|wget|git clone)\b", re.MULTILINE),
    "copies files again by changing them": re.compile(r"\b(chown|chmod) -R\b"),
}


def instructions(text: str) -> list[Instruction]:
    """Return name and arguments of each instruction, its lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    split = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(name.upper(), rest) for name, rest in split]


def final_stage(found: list[Instruction]) -> list[Instruction]:
    last = max(at for at, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


def values(found: list[Instruction], name: str) -> list[str]:
    return [rest for instruction, rest in found if instruction == name]


def problems(text: str) -> list[str]:
    return [what for what, rule in UNPORTABLE.items() if rule.search(text)]


each_image = pytest.mark.parametrize(
    "image", CONTRACT.images, ids=lambda image: str(image.key)
)


def read(image: Image) -> str:
    return (ROOT / image.dockerfile).read_text("utf-8")


@each_image
def test_hadolint_has_nothing_to_say(image: Image):
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, ROOT / image.dockerfile], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_image
def test_any_engine_and_machine_builds_it(image: Image):
    assert not problems(read(image))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("# syntax=docker/dockerfile:1", "names a frontend"),
        ("COPY <<EOF /etc/motd", "has a heredoc"),
        ("RUN <<'EOF'", "has a heredoc"),
        ("COPY --link a b", "copies in a way of one engine"),
        ("COPY --from=build --parents a b", "copies in a way of one engine"),
        (
            "RUN --mount=type=cache,target=root/.cache true",
            "mounts at a place that is not absolute",
        ),
        ("ADD a.tar /", "fetches"),
        ("RUN apt-get update && curl -O x", "fetches"),
        ("RUN chown -R ktrdr /app", "copies files again by changing them"),
    ],
)
def test_what_is_not_portable_is_noticed(line: str, problem: str):
    assert problems(f"FROM scratch\n{line}\n") == [problem]


@each_image
def test_it_starts_from_the_slim_image_alone(image: Image):
    found = instructions(read(image))
    assert values(found, "ARG")[0] == f"PYTHON_VERSION={CONTRACT.python}"
    bases = {rest.split(" AS ")[0].strip() for rest in values(found, "FROM")}
    stages = {rest.split(" AS ")[1] for rest in values(found, "FROM") if " AS " in rest}
    assert bases - stages <= {"python:${PYTHON_VERSION}-slim", "scratch"}


@each_image
def test_it_installs_its_own_lock_and_torch_from_its_own_index(image: Image):
    text = read(image)
    others = {one.lock for one in CONTRACT.images} - {image.lock}
    assert image.lock in text
    assert not [lock for lock in others if lock in text]
    indexes = [
        rest
        for rest in values(instructions(text), "ARG")
        if rest.startswith("TORCH_INDEX")
    ]
    if image.accelerator == "none":
        assert not indexes
        assert "torch" not in text
        return
    build = CONTRACT.torch_builds[image.accelerator]
    assert indexes == [f"TORCH_INDEX=https://download.pytorch.org/whl/{build}"]
    assert f"deploy/locks/torch-{image.accelerator}.txt" in text


@each_image
def test_it_runs_as_nobody_in_particular_and_tells_its_health(image: Image):
    final = final_stage(instructions(read(image)))
    assert values(final, "USER")[-1] == CONTRACT.user
    assert values(final, "EXPOSE")[-1].split() == [str(port) for port in image.ports]
    (health,) = values(final, "HEALTHCHECK")
    command = json.loads(health.partition("CMD ")[2])
    assert "/app/healthcheck.py" in command
    # The list form: with a shell between, no signal would reach the program.
    assert json.loads(values(final, "ENTRYPOINT")[0]) == ["dumb-init", "--"]
    assert json.loads(values(final, "CMD")[0])[0] == "ktrdr"


@each_image
def test_source_comes_after_packages(image: Image):
    found = instructions(read(image))
    copies = [rest for name, rest in found if name == "COPY"]
    first_lock = next(at for at, rest in enumerate(copies) if "locks/" in rest)
    first_source = next(
        (at for at, rest in enumerate(copies) if rest.startswith("ktrdr/")), len(copies)
    )
    assert first_lock < first_source
