"""The homelab on a real engine, and releases of ktrdr to roll out to it."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.main import app
from ktrdr.client import Client
from tests.environments.traces import remove, remove_images
from tests.images.derived import CONTRACT, built, python, written_into

ENVIRONMENTS = CONTRACT.root / "deploy" / "environments"
FILES = ("docker-compose.core.yml", "docker-compose.workers.yml")
LABEL = "LABEL org.opencontainers.image.{}={}"
COMMIT = "1" * 40
# What makes a release of its own of the image: its build information and its label.
NEXT = "\n".join(
    [
        LABEL.format("revision", COMMIT),
        python(
            "import json; path = pathlib.Path('/build-info.json'); "
            f"facts = json.loads(path.read_text()) | dict(commit={COMMIT!r}); "
            "path.write_text(json.dumps(facts))"
        ),
    ]
)
CRASHES = written_into("ktrdr/api/main.py", "\nraise RuntimeError('planted crash')\n")
SICK = python("pathlib.Path('/app/healthcheck.py').write_text('raise SystemExit(1)')")
STEP = python(
    "(packages / 'ktrdr/database/migrations/0099_planted.sql')"
    ".write_text('CREATE TABLE ktrdr.planted (n int)')"
)
# Named by tag; all but the first are made from it.
RELEASES = {
    "good": "",
    "next": NEXT,
    "crashes": f"{NEXT}\n{CRASHES}",
    "sick": f"{NEXT}\n{SICK}",
    "lies": LABEL.format("revision", "2" * 40),
    "schema": f"{NEXT}\n{STEP}",
    "schema-crashes": f"{NEXT}\n{STEP}\n{CRASHES}",
    "foreign": "\n".join(
        [
            LABEL.format("version", "9.9.9"),
            python(
                "path = next(packages.glob('ktrdr-*.dist-info')) / 'METADATA'; "
                "path.write_text(path.read_text().replace("
                "'Version: 0.1.0', 'Version: 9.9.9', 1))"
            ),
        ]
    ),
}


@dataclass(frozen=True, kw_only=True)
class System:
    """What runs, and its releases.

    Attributes
    ----------
    name : str
        Of the compose project.
    folder : Path
        Of its compose files.
    images : str
        Repositories' common beginning.
    """

    engine: Engine
    name: str
    folder: Path
    images: str

    def kinfra(self, *arguments: str):
        return CliRunner().invoke(app, list(arguments))

    def deploy(self, area: str, tag: str, *options: str):
        how = ("--folder", str(self.folder), "--tag", tag, "--pull=missing")
        return self.kinfra("deploy", area, *how, "--wait=90", *options)

    def begin_deploying(self, area: str, tag: str) -> subprocess.Popen[str]:
        """Start a deployment in a process of its own."""
        command = [
            *(sys.executable, "-c", "from ktrdr.cli.kinfra.main import main; main()"),
            *("deploy", area, "--folder", str(self.folder), "--tag", tag),
            *("--pull=missing", "--wait=90"),
        ]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def identifier(self, tag: str) -> str:
        reference = f"{self.images}/ktrdr-backend:{tag}"
        return str(self.engine.inspect(reference)["Id"])

    def container(self, service: str) -> dict[str, str]:
        """Return which container runs the service, since when, and its image."""
        (one,) = self.containers(service)
        return one

    def containers(self, service: str) -> list[dict[str, str]]:
        """Return its containers; two or none while one takes the other's place."""
        shown = self.engine.run(
            *("ps", "--all", "--quiet", "--no-trunc"),
            f"--filter=label=com.docker.compose.project={self.name}",
            f"--filter=label=com.docker.compose.service={service}",
            "--filter=label=com.docker.compose.oneoff=False",
        )
        ids = shown.split()
        done = self.engine.attempt("container", "inspect", *ids) if ids else None
        return [
            {
                "id": one["Id"],
                "image": one["Image"],
                "state": one["State"]["Status"],
                "began": one["State"]["StartedAt"],
            }
            for one in (json.loads(done.out) if done else ())
        ]

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Lend a client with an admin's token."""
        container = self.container("backend")["id"]
        address = self.engine.run("port", container, "8000/tcp").split()[0]
        client = Client(f"http://{address}", (self.folder / "token").read_text())
        try:
            yield client
        finally:
            client.close()

    def begin(self) -> None:
        """Deploy the first release into nothing, with the token of an admin."""
        first = self.deploy("core", "good", "--admin=tests", "--json")
        if first.exception is not None:
            raise first.exception
        (self.folder / "token").write_text(json.loads(first.stdout)["token"])
        # What the database's machine tells those of the workers.
        authority = "/var/lib/postgresql/tls/ca.crt"
        told = self.compose("exec", "-T", "database", "cat", authority)
        self.secret("database-ca.crt", told)
        second = self.deploy("workers", "good")
        if second.exception is not None:
            raise second.exception
        self._bring_model()

    def _bring_model(self) -> None:
        """Train one on this machine, as its images can't, and put it into the store."""
        home = self.folder / "trained"
        own = {**os.environ, "KTRDR_HOME": str(home)}
        for words in ("data sample", "train minimal"):
            command = [sys.executable, "-m", "ktrdr", *words.split()]
            subprocess.run(command, env=own, check=True, capture_output=True)
        shutil.make_archive(str(home), "tar", home, "store")
        unpack = ("--entrypoint", "tar", "postgres:17", "-x", "-C", "/data")
        self.engine.pour(
            *("run", "--rm", "--interactive", "--user", "10001:10001"),
            *("--volume", f"{self.name}_data:/data"),
            *unpack,
            source=home.with_suffix(".tar"),
        )

    def scale(self, n: int) -> None:
        """Have the files ask for ``n`` containers of each of the two services."""
        variables = self.folder / ".env"
        told = re.sub(r"(WORKERS=)\d+\n$", rf"\g<1>{n}\n", variables.read_text())
        variables.write_text(told)

    def secret(self, name: str, text: str) -> None:
        path = self.folder / "secrets" / name
        path.write_text(text)
        path.chmod(0o444)

    def compose(self, *arguments: str) -> str:
        file = str(self.folder / FILES[0])
        return self.engine.run("compose", "--file", file, *arguments)

    def query(self, statement: str) -> str:
        """Ask the database, by its own command."""
        container = self.container("database")["id"]
        how = ("psql", "-U", "ktrdr", "-Atc", statement)
        return self.engine.run("exec", container, *how).strip()

    def certificate(self) -> str:
        """Return the certificate that the database shows to who connects, as text."""
        shown = "openssl s_client -starttls postgres -connect localhost:5432 </dev/null"
        call = ("bash", "-c", f"{shown} 2>/dev/null | openssl x509 -noout -text")
        return self.engine.run("exec", self.container("database")["id"], *call)


@contextmanager
def running_system(engine: Engine, folder: Path) -> Iterator[System]:
    """Lend the homelab's files, with images to deploy; nothing runs yet."""
    mark = secrets.token_hex(4)
    shutil.copytree(ENVIRONMENTS, folder, dirs_exist_ok=True)
    system = System(
        engine=engine,
        name=f"ktrdr-rollout-{mark}",
        folder=folder / "homelab",
        images=f"localhost/ktrdr-rollout-{mark}",
    )
    (system.folder / "secrets").mkdir(mode=0o700)
    for name in ("database-password", "worker-password", "metrics-token"):
        system.secret(name, secrets.token_hex(16))
    (system.folder / ".env").write_text(
        "".join(f"{key}={value}\n" for key, value in _variables(system).items())
    )
    try:
        _make_releases(system)
        yield system
    finally:
        for file in FILES[::-1]:
            path = str(system.folder / file)
            how = ("--file", path, "down", "--volumes", "--timeout=3")
            engine.attempt("compose", *how)
        remove(engine, system.name)
        remove_images(engine, system.images)


def _variables(system: System) -> dict[str, str]:
    return {
        "COMPOSE_PROJECT_NAME": system.name,
        "KTRDR_REGISTRY": system.images,
        "IMAGE_TAG": "good",
        "KTRDR_BACKTEST_IMAGE": f"{system.images}/ktrdr-backend:good",
        "KTRDR_STORE_URL": "/var/lib/ktrdr/store",
        "KTRDR_TRAINING_WORKERS": "0",
        # Any, beside other systems on this machine.
        "KTRDR_API_PORT": "0",
        "KTRDR_DATABASE_PORT": "0",
        "KTRDR_BACKTEST_WORKERS": "1",
    }


def _make_releases(system: System) -> None:
    origin = built(system.engine, "backend").reference
    recipe = system.folder / "Dockerfile"
    formatted = ("--format=docker",) if system.engine.name == "podman" else ()
    for tag, lines in RELEASES.items():
        name = f"{system.images}/ktrdr-backend:{tag}"
        recipe.write_text(f"FROM {origin}\n{lines}\n", "utf-8")
        with recipe.open(encoding="utf-8") as text:
            # The recipe alone: nothing of the folder is sent.
            system.engine.run(
                "build", *formatted, "--tag", name, "-", stdin=text.read()
            )
