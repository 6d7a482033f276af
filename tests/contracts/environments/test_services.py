"""Every service of every environment is hardened, limited and watched."""

import re
from typing import Any

import pytest

from tests.contracts.environments.composed import ENVIRONMENTS, HOMELAB, Environment

# What one adds to another service of the same environment has been looked at there.
SERVICES = [
    pytest.param(environment, name, fields, id=f"{environment.name}-{name}")
    for environment in ENVIRONMENTS
    for name, fields in environment.services()
    if "image" in fields
]
EACH = pytest.mark.parametrize(("environment", "name", "fields"), SERVICES)
# They know nobody, so that only this machine may reach them.
WITHOUT_USERS = {"prometheus", "jaeger"}
# Beyond the grace of its jobs, for a worker's last words and the end of its container.
LAST_WORDS_S = 10
UNITS = {"s": 1, "m": 60}


def is_job(fields: dict[str, Any]) -> bool:
    return bool(fields["restart"] == "no")


def test_environments_hold_the_services_that_they_are_for():
    names = {one.name: {name for name, _ in one.services()} for one in ENVIRONMENTS}
    everywhere = {"database", "migrate", "backend"}
    observability = {"prometheus", "jaeger", "grafana"}
    workers = {"backtest-worker-1", "backtest-worker-2", "training-worker-1"}
    assert names["local"] == everywhere | workers | observability
    assert names["canary"] == everywhere | workers - {"backtest-worker-2"}
    assert names["sandbox"] == everywhere | {"backtest-worker", "training-worker"}
    assert names["homelab"] == everywhere | workers | observability | {
        *("certificates", "worker-access", "training-worker-2", "training-worker-gpu")
    }


@EACH
def test_a_service_can_change_nothing_but_its_folders(environment, name, fields):
    assert fields["read_only"] is True
    assert fields["cap_drop"] == ["ALL"]
    assert fields["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in fields["tmpfs"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(fields)
    user = re.sub(r"\$\{\w+:-(.*)\}", r"\1", fields["user"])
    assert user.split(":")[0] not in ("0", "root", "")


@EACH
def test_a_service_is_limited(environment, name, fields):
    limits = fields["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert set(fields["logging"]["options"]) == {"max-size", "max-file"}


@EACH
def test_a_service_tells_how_it_is_and_starts_again(environment, name, fields):
    if is_job(fields):
        assert fields["healthcheck"] == {"disable": True}
        return
    assert fields["restart"] == "unless-stopped"
    assert fields["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(
        fields["healthcheck"]
    )


@EACH
def test_a_service_waits_for_what_it_needs(environment, name, fields):
    services = {one: of for one, of in environment.services() if "image" in of}
    for needed, how in (fields.get("depends_on") or {}).items():
        done = is_job(services[needed])
        expected = "service_completed_successfully" if done else "service_healthy"
        assert how == {"condition": expected}
    alone = {"database", "certificates", "jaeger"}
    is_remote = environment.name == "homelab" and "worker-" in name
    if name not in alone and (not is_remote or name == "worker-access"):
        assert fields["depends_on"]


@EACH
def test_a_job_has_time_for_its_checkpoint(environment, name, fields):
    match = re.fullmatch(r"(\d+)([sm])", fields["stop_grace_period"])
    assert match is not None
    grace_s = int(match[1]) * UNITS[match[2]]
    job_s = float((fields.get("environment") or {}).get("KTRDR_GRACE_S", 0))
    assert grace_s >= job_s + LAST_WORDS_S
    if "worker" in name and not is_job(fields):
        assert job_s > 0


@EACH
def test_images_and_places_are_settings(environment, name, fields):
    assert fields["image"].startswith("${KTRDR_")
    assert "@" not in fields["image"]


@EACH
def test_nothing_is_published_beyond_this_machine_by_itself(environment, name, fields):
    for port in fields.get("ports", ()):
        expected = r"127\.0\.0\.1:" if name in WITHOUT_USERS else (
            r"(127\.0\.0\.1|\$\{KTRDR_(DATABASE_)?BIND:-127\.0\.0\.1\}):"
        )  # fmt: skip
        assert re.match(expected, port), port


@EACH
def test_secrets_are_files(environment, name, fields):
    text = str(fields.get("environment") or "")
    for secret in fields.get("secrets", ()):
        if secret in ("metrics-token", "database-ca"):
            continue
        assert f"/run/secrets/{secret}" in text + str(fields.get("command")), secret


@pytest.mark.parametrize("path", HOMELAB[1:], ids=lambda path: path.name)
def test_remote_workers_prove_themselves_and_their_database(path):
    text = path.read_text("utf-8")
    assert "postgresql://ktrdr_worker@" in text
    assert "sslmode=verify-full&sslrootcert=/run/secrets/database-ca" in text
    assert "/run/secrets/database-password" not in text


def test_the_database_of_the_homelab_takes_nobody_without_tls():
    rules = (HOMELAB[0].parent / "database/pg_hba.conf").read_text("utf-8")
    kinds = [line.split()[:3] for line in rules.splitlines() if line[0] != "#"]
    assert kinds == [
        ["local", "all", "all"],
        ["hostssl", "ktrdr", "ktrdr"],
        ["hostssl", "ktrdr", "ktrdr_worker"],
    ]


def test_grafana_lets_nobody_in_without_a_password():
    environment: Environment = ENVIRONMENTS[0]
    settings = dict(environment.services())["grafana"]["environment"]
    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert settings["GF_SECURITY_ADMIN_PASSWORD__FILE"].startswith("/run/secrets/")


def test_lines_that_files_repeat_are_the_same_in_all():
    documents = [one for each in ENVIRONMENTS for one in each.documents]
    # The sandbox's second file only adds to the first.
    whole = [one for one in documents if "x-service" in one]
    assert len(whole) == len(documents) - 1
    assert all(one["x-service"] == whole[0]["x-service"] for one in whole)
    databases = [
        one["services"]["database"]["healthcheck"]
        for one in whole
        if "database" in one["services"]
    ]
    assert len(databases) == len(ENVIRONMENTS)
    assert all(one == databases[0] for one in databases)


def test_workers_with_a_gpu_have_what_the_homelabs_other_workers_have():
    (homelab,) = (one for one in ENVIRONMENTS if one.name == "homelab")
    _, workers, gpu = homelab.documents
    # Theirs takes longer to begin.
    shared = {k: v for k, v in workers["x-worker"].items() if k != "healthcheck"}
    assert gpu["x-worker"] == shared
    assert gpu["secrets"] == workers["secrets"]
