"""The homelab: workers join over TLS, by a role of their own."""

import re
import stat
from pathlib import Path

import httpx
import pytest

from ktrdr.cli.kinfra.canary.trial import SHORT, Trial
from ktrdr.cli.kinfra.compose import Compose, Project
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.environments.secret_files import make_secrets
from ktrdr.cli.kinfra.environments.starting import await_health, start
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.schemas import BacktestStart
from tests.contracts.environments.composed import FOLDER
from tests.environments.traces import nameless_volumes, traces

NAME = "ktrdr-test-homelab"
PLACE = FOLDER / "homelab"
SECRETS = ("database-password", "worker-password", "metrics-token", "grafana-password")
TRY = """
import psycopg, sys
try:
    psycopg.connect(sys.argv[1], password=open(sys.argv[2]).read().strip()).close()
except psycopg.OperationalError as error:
    sys.exit(str(error))
"""
pytestmark = pytest.mark.timeout(1800)


def part(engine: Engine, secrets: Path, images: dict[str, str], name: str) -> Compose:
    given = {
        **images,
        "KTRDR_REGISTRY": "registry.invalid",
        "KTRDR_SECRETS": str(secrets),
        "KTRDR_STORE_URL": "/var/lib/ktrdr/store",
        "KTRDR_API_PORT": "18100",
        # Any: workers beside the database don't depend on it.
        "KTRDR_DATABASE_PORT": "0",
        "KTRDR_DATABASE_CPUS": "1",
        # Containers of one service, and ports that all share.
        "KTRDR_BACKTEST_WORKERS": "2",
        "KTRDR_METRICS_PORTS": "18110-18119",
    }
    files = (PLACE / f"docker-compose.{name}.yml",)
    project = Project(name=NAME, folder=PLACE, files=files, given=given)
    return Compose(engine, project)


# Its start is costly, and its tests change nothing that others look at.
@pytest.fixture(scope="module")
def homelab(engine: Engine, images, tmp_path_factory):
    secrets = tmp_path_factory.mktemp("homelab") / "secrets"
    make_secrets(secrets, SECRETS)
    core = part(engine, secrets, images, "core")
    workers = part(engine, secrets, images, "workers")
    environment = Environment(compose=core, secrets=secrets, command="compose ...")
    try:
        start(environment, SECRETS)
        read = ("exec", "-T", "database", "cat")
        authority = core.run(*read, "/var/lib/postgresql/tls/ca.crt")
        (secrets / "database-ca.crt").write_text(authority)
        (secrets / "database-ca.crt").chmod(0o444)
        done = workers.up("backtest-worker-1", "training-worker-1")
        assert done.code == 0, done.err
        await_health(core, within_s=120)
        yield environment, workers
    finally:
        core.down(with_data=True)
        assert traces(engine, NAME) == []


def connect(workers: Compose, url: str, secret: str) -> str:
    """Return what libpq says to a connection from a worker's container."""
    command = ("python", "-c", TRY, url, f"/run/secrets/{secret}")
    return workers.attempt("exec", "-T", "backtest-worker-1", *command).err


def test_workers_work_over_tls_and_may_do_nothing_else(homelab):
    environment, workers = homelab
    with environment.client() as client:
        trial = Trial(environment, client)
        client.data.store_sample()
        trained = trial.finish(trial.train(SHORT))
        request = BacktestStart(model=(trained.result or {})["model"], resamples=100)
        done = trial.finish(client.operations.start(request).id)
        assert done.worker != trained.worker
    sessions = environment.compose.run(
        *("exec", "-T", "database", "psql", "-U", "ktrdr", "-Atc"),
        "SELECT DISTINCT usename, ssl, version FROM pg_stat_ssl "
        "JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL ORDER BY 1",
    )
    assert sessions.split() == ["ktrdr|t|TLSv1.3", "ktrdr_worker|t|TLSv1.3"]
    host, password = "database:5432/ktrdr", "worker-password"
    verified = "sslmode=verify-full&sslrootcert=/run/secrets/database-ca"
    worker = f"postgresql://ktrdr_worker@{host}"
    assert connect(workers, f"{worker}?{verified}", password) == ""
    assert "no encryption" in connect(workers, f"{worker}?sslmode=disable", password)
    # Whose certificate nobody vouches for is not believed.
    system = "sslmode=verify-full&sslrootcert=system"
    assert "certificate" in connect(workers, f"{worker}?{system}", password)
    owner = f"postgresql://ktrdr@{host}?{verified}"
    assert "authentication failed" in connect(workers, owner, password)


def test_metrics_of_all_workers_are_read_through_the_machines_ports(
    homelab, engine: Engine
):
    environment, workers = homelab
    token = (environment.secrets / "metrics-token").read_text().strip()
    shown = {"Authorization": f"Bearer {token}"}
    containers = [
        one
        for service in ("backtest-worker-1", "training-worker-1")
        for one in workers.containers(service)
    ]
    addresses = {
        engine.run("port", one.identifier, "5002/tcp").strip() for one in containers
    }
    # Loopback, as long as no setting says otherwise.
    assert len(addresses) == 3
    assert all(re.fullmatch(r"127\.0\.0\.1:1811\d", one) for one in addresses)
    for address in addresses:
        url = f"http://{address}/metrics"
        assert httpx.get(url, trust_env=False).status_code == 401
        told = httpx.get(url, headers=shown, trust_env=False).text
        assert "ktrdr_worker_info" in told
    with environment.client() as client:
        assert [one.state for one in client.system.workers()] == ["ready"] * 3


def test_secrets_stay_out_of_the_containers_settings(homelab, engine: Engine):
    environment, _ = homelab
    secrets = environment.secrets
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    values = [path.read_text().strip() for path in secrets.iterdir() if path.is_file()]
    for container in environment.compose.containers():
        told = engine.run("container", "inspect", container.identifier)
        assert not [one for one in values if one in told], container.name
    assert nameless_volumes(engine, NAME) == []
