"""How an image starts by default and tells its health, against the table."""

import json

import pytest

from ktrdr.cli.kinfra.images.verify import start
from ktrdr.cli.kinfra.images.verify.check import Fault
from tests.unit.cli.kinfra.images.verify.subjects import CONFIG, HEALTH, subject

CHECKS = (start.entry_point, start.command, start.accelerator, start.health_check)


def health(**changes):
    return {"config": {"Healthcheck": {**HEALTH, **changes}}}


WRONG = {
    "no init declared": (
        start.entry_point,
        {"config": {"Entrypoint": None}},
        "expected an init",
    ),
    "another entry point": (
        start.entry_point,
        {"config": {"Entrypoint": ["dumb-init", "-v", "--"]}},
        "expected an init",
    ),
    "no init runs": (
        start.entry_point,
        {"process": {"init": ["python", "-"]}},
        "the first process 'python', expected an init",
    ),
    "no command": (start.command, {"config": {"Cmd": None}}, "None, expected"),
    "another command": (
        start.command,
        {"config": {"Cmd": ["python", "-c", "print(1)"]}},
        "['python', '-c', 'print(1)'], expected ['ktrdr', 'serve']",
    ),
    "an accelerator without torch": (
        start.accelerator,
        {"config": {"Env": ["KTRDR_ACCELERATOR=cpu"]}},
        "is 'cpu', expected None",
    ),
    "no accelerator": (
        start.accelerator,
        {"key": "worker-cpu", "config": {"Env": []}},
        "is None, expected 'cpu'",
    ),
    "an empty accelerator": (
        start.accelerator,
        {"key": "worker-cpu", "config": {"Env": ["KTRDR_ACCELERATOR="]}},
        "is '', expected 'cpu'",
    ),
    "another accelerator": (
        start.accelerator,
        {"key": "worker-gpu", "config": {"Env": ["KTRDR_ACCELERATOR=cpu"]}},
        "is 'cpu', expected 'cuda'",
    ),
    "no health check": (
        start.health_check,
        {"config": {"Healthcheck": None}},
        "no HEALTHCHECK",
    ),
    "health check switched off": (
        start.health_check,
        health(Test=["NONE"]),
        "no HEALTHCHECK",
    ),
    "health check of nothing": (start.health_check, health(Test=[]), "no HEALTHCHECK"),
    "health check by a shell": (
        start.health_check,
        health(Test=["CMD-SHELL", "true"]),
        "needs a shell",
    ),
    "health check that always passes": (
        start.health_check,
        health(Test=["CMD", "python", "-c", "pass"]),
        "runs 'python -c pass', expected",
    ),
    "an hour between": (
        start.health_check,
        health(Interval=3600 * 10**9),
        "Interval is 3600000000000, expected 10000000000",
    ),
    "no limit": (start.health_check, health(Timeout=None), "Timeout is None"),
    "another start": (start.health_check, health(StartPeriod=1), "StartPeriod is 1"),
    "99 retries": (start.health_check, health(Retries=99), "Retries is 99, expected 3"),
}


@pytest.mark.parametrize("judge", CHECKS)
def test_image_as_it_should_be_passes(judge):
    assert judge(subject())


@pytest.mark.parametrize("key", ["worker-cpu", "worker-gpu", "dev"])
def test_image_with_torch_names_what_it_is_for(key):
    named = subject(key).image.accelerator
    found = subject(key, config={"Env": [f"KTRDR_ACCELERATOR={named}"]})
    assert start.accelerator(found) == named


@pytest.mark.parametrize(("judge", "changes", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(judge, changes, told):
    with pytest.raises(Fault) as fault:
        judge(subject(**changes))
    assert told in str(fault.value)


def test_podman_tells_the_health_check_elsewhere(docker):
    config = {name: it for name, it in CONFIG.items() if name != "Healthcheck"}
    found = subject(config=config)
    del found.__dict__["config"]
    document = [{"Config": config, "Healthcheck": HEALTH}]
    docker.answer("image inspect", out=json.dumps(document))
    assert start.health_check(found) == "python -I -S /app/healthcheck.py"
