"""Commands that need a container engine are run: by a test, or by CI as they stand."""

import re

import pytest
import yaml

from tests.documents import PAGES, ROOT, Block, blocks, name_of, words
from tests.environments import (
    test_deployments_page,
    test_environments_page,
    test_operations_page,
    test_rollout_page,
)
from tests.images import test_images_page

NEED = "a container engine"
READERS = (
    test_deployments_page,
    test_environments_page,
    test_images_page,
    test_operations_page,
    test_rollout_page,
)
# Nothing runs these, for want of what their blocks say that they need.
NOT_RUN = {
    "a GPU": {
        "kinfra deploy gpu",
        "kinfra deploy gpu --digest sha256:... --context gpu-machine",
        "kinfra deploy gpu --tag sha-0123456789ab",
        "docker run -d --env-file ktrdr.env --gpus all ktrdr-worker-gpu:prod",
        "kinfra images verify worker-gpu --gpu",
    },
    # Tests run on one engine, which is docker in CI.
    "podman": {
        "podman build --format docker -f deploy/docker/Dockerfile.backend "
        "-t ktrdr-backend:prod .",
        "kinfra images build worker-cpu --engine podman",
    },
    # Of registries that CI can't reach; their files are checked by the tests of
    # observability.
    "images of Prometheus, Jaeger and Grafana": {"kinfra deploy core"},
}
ALL = [block for page in PAGES for block in blocks(page)]


def plain(command: str) -> str:
    """Return a command without its comment, and wherever its program lies."""
    return " ".join(words(command)).removeprefix(".venv/bin/")


def run_by_ci() -> set[str]:
    """Return the commands of .ci/run, and those of the Makefile that they lead to."""
    script = (ROOT / ".ci/run").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lines = re.findall(
        r"^(?:elif timeout \d+ )?((?:\.venv/bin/|make ).*?)(?:; then)?$", script, re.M
    )
    found = {plain(line) for line in lines}
    for target in [line.split()[1] for line in found if line.startswith("make ")]:
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert recipe is not None, target
        found |= {line.strip("\t@") for line in recipe[1].splitlines()}
    return {line.replace("$(BIN)/", "") for line in found}


def read() -> list[Block]:
    """Return the blocks that tests read."""
    return [block for reader in READERS for block in reader.READ]


@pytest.mark.parametrize(
    "block",
    [one for one in ALL if one.needs == NEED],
    ids=lambda one: f"{one.page.stem}: {one.heading}",
)
def test_a_block_is_read_by_a_test_or_is_what_ci_does(block: Block):
    if block not in read():
        assert {plain(one) for one in block.commands} <= run_by_ci(), (
            f"{name_of(block.page)}, {block.heading}: no test reads it"
        )


def test_each_test_reads_blocks_of_its_page_that_need_an_engine():
    for reader in READERS:
        page = reader.__name__.rpartition("test_")[2].removesuffix("_page")
        assert {block.page.stem for block in reader.READ} == {page}
        assert {block.needs for block in reader.READ} == {NEED}


@pytest.mark.parametrize("need", sorted(NOT_RUN))
def test_what_is_not_run_is_what_was_agreed(need: str):
    shown = [block for block in ALL if block.needs == need]
    assert {plain(one) for block in shown for one in block.commands} == NOT_RUN[need]


def test_a_gpu_is_asked_for_where_a_block_says_so_and_nowhere_else():
    for block in ALL:
        asks = re.search(r"--gpus? |deploy gpu|--gpu$", block.text, re.MULTILINE)
        assert bool(asks) == (block.needs == "a GPU"), block.text


def test_troubleshooting_tells_what_kinfra_says_of_containers():
    page = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    told = page.partition("## Containers\n")[2].partition("\n## ")[0]
    source = ROOT / "ktrdr/cli/kinfra"
    for file, said in (
        ("images/engine.py", "no container engine answers"),
        ("environments/starting.py", "has no image "),
    ):
        assert said in (source / file).read_text("utf-8")
        assert f"| {said}" in told
    for needed in ("port is", "secrets", "pull", "docker logs", "auth create"):
        assert needed in told


def test_the_pictures_are_where_the_page_on_observability_says():
    page = (ROOT / "docs/observability.md").read_text("utf-8")
    text = (ROOT / "deploy/environments/observability.yml").read_text("utf-8")
    services = yaml.safe_load(text)["services"]
    for name, variable in (
        ("prometheus", "KTRDR_PROMETHEUS_PORT"),
        ("jaeger", "KTRDR_JAEGER_PORT"),
        ("grafana", "KTRDR_GRAFANA_PORT"),
    ):
        (port,) = re.findall(rf"{variable}:-(\d+)", str(services[name]["ports"]))
        assert f"| {name.title()} | `http://127.0.0.1:{port}` |" in page
        assert f"`{variable}`" in page
        (profile,) = services[name]["profiles"]
        assert f"COMPOSE_PROFILES={profile}\n" in page
    grafana = services["grafana"]
    assert f"`{grafana['environment']['GF_SECURITY_ADMIN_USER']}`" in page
    assert f"secrets/{grafana['secrets'][0]}" in page
