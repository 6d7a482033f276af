"""The commands of the page on deployments, done as it says."""

import json

import pytest

from tests.documents import section
from tests.environments.checkout import engine_address
from tests.environments.homelab import FIRST, SECOND, Homelab

DEPLOY, _ON_A_GPU = section("docs/deployments.md", "Deployments")
(ELSEWHERE,) = section("docs/deployments.md", "Other hosts")
READ = (DEPLOY, ELSEWHERE)
pytestmark = pytest.mark.timeout(900)


def test_a_release_goes_to_core_and_workers_and_the_last_step_is_undone(
    page_homelab: Homelab,
):
    workers = page_homelab.runs("backtest-worker-1")
    tag = page_homelab.other()
    page_homelab.terminal.stand_ins = {SECOND: tag}
    planned = page_homelab.terminal.type(DEPLOY.statements[0])
    assert f"backend: {page_homelab.registry}/ktrdr-backend:" in planned
    assert page_homelab.runs("backend") != tag
    for command in DEPLOY.statements[1:]:
        if command.startswith("kinfra rollback"):
            page_homelab.serves(backend=tag, workers=tag)
        page_homelab.terminal.type(command)
    page_homelab.serves(backend=tag, workers=workers)
    told = json.loads(page_homelab.terminal.type("kinfra history --json"))["items"]
    assert [(one["area"], one["kind"], one["context"]) for one in told[:3]] == [
        ("workers", "rollback", "big-machine"),
        ("workers", "deploy", "big-machine"),
        ("core", "deploy", None),
    ]


def test_another_host_is_a_context_of_the_engine(page_homelab: Homelab):
    """Here the machine itself, which is reached as another is."""
    page_homelab.terminal.stand_ins = {"ssh://other-machine": engine_address()}
    page_homelab.terminal.read(ELSEWHERE)
    # Without a tag it is what the variables say.
    page_homelab.serves(backend=page_homelab.runs("backend"), workers=FIRST)
