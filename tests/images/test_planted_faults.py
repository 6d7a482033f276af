"""Every fault that is planted in an image or in its source turns the checks red."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.build import OverBudgetError, build_image, own_platform
from ktrdr.cli.kinfra.images.recipe import Wishes, make_recipe
from ktrdr.cli.kinfra.images.verify import (
    filesystem,
    imports,
    metadata,
    packages,
    serving,
    start,
)
from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.cli.kinfra.images.verify.subject import Subject
from ktrdr.cli.kinfra.images.verify.system import running_system
from tests.docker_context import copy_context
from tests.images.derived import CONTRACT, derived, python, written_into

IDENTITY = {"COMMIT": "0" * 40, "SOURCE_DATE_EPOCH": "1700000000"}
KINFRA = Path(sys.executable).with_name("kinfra")
CAUGHT = "\ntry:\n    import torch\nexcept ImportError:\n    pass\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nb3du\n-----END CERTIFICATE-----\n"
KEY = f"-----BEGIN PRIVATE KEY-----\n{'A' * 64}\n-----END PRIVATE KEY-----\n"
CUDA = (
    "(packages / 'nvidia').mkdir(); "
    "info = packages / 'nvidia_cublas-13.0.dist-info'; info.mkdir(); "
    "(info / 'METADATA').write_text("
    "'Metadata-Version: 2.1\\nName: nvidia-cublas\\nVersion: 13.0\\n')"
)


def _schema(subject: Subject) -> None:
    with running_system(subject) as system:
        serving.schema(system)


def _default_worker(subject: Subject) -> None:
    with running_system(subject) as system:
        serving.schema(system)
        serving.worker(system, subject.image.does[0])


PLANTS: dict[str, tuple[str, str, Callable[[Subject], object], str]] = {
    "import of torch": (
        "backend",
        written_into("ktrdr/api/main.py", "\nimport torch\n"),
        imports.imports,
        "ktrdr.api.main (ModuleNotFoundError: No module named 'torch'",
    ),
    "import of torch that is caught": (
        "backend",
        written_into("ktrdr/backtesting/run.py", CAUGHT),
        imports.non_imports,
        "torch (by ktrdr.backtesting.run)",
    ),
    "pandas": (
        "backend",
        python("(packages / 'pandas').mkdir()"),
        imports.non_imports,
        "pandas",
    ),
    "CUDA package, by its module": (
        "worker-cpu",
        python(CUDA),
        imports.non_imports,
        "nvidia",
    ),
    "CUDA package, by the lock": (
        "worker-cpu",
        python(CUDA),
        packages.packages,
        "nvidia-cublas 13.0 is not locked",
    ),
    "100 MB more": (
        "backend",
        python("pathlib.Path('/more').write_bytes(os.urandom(100_000_000))"),
        metadata.size,
        "over the budget of",
    ),
    "root": ("backend", "USER 0:0", metadata.declared_user, "the user 0:0"),
    "a port more": ("backend", "EXPOSE 22", metadata.ports, "ports 22, 5002, 8000"),
    "no init": ("backend", "ENTRYPOINT []", start.entry_point, "expected an init"),
    "another command": (
        "worker-cpu",
        'CMD ["python", "-c", "print(1)"]',
        start.command,
        "'print(1)'], expected ['ktrdr', 'worker', 'training']",
    ),
    "another command, by what it runs": (
        "worker-cpu",
        'CMD ["python", "-c", "print(1)"]',
        _default_worker,
        "it ended with exit code 0",
    ),
    "no accelerator": (
        "worker-cpu",
        "ENV KTRDR_ACCELERATOR=",
        start.accelerator,
        "KTRDR_ACCELERATOR is '', expected 'cpu'",
    ),
    "a health check that comes too late": (
        "backend",
        "HEALTHCHECK --interval=1h --retries=99 "
        'CMD ["python", "-I", "-S", "/app/healthcheck.py"]',
        start.health_check,
        "Retries is 99, expected 3",
    ),
    "an answer that is no JSON": (
        "backend",
        written_into("ktrdr/cli/main.py", '\nprint("hello")\n'),
        _schema,
        "answered 'hello",
    ),
    "no health check": (
        "backend",
        "HEALTHCHECK NONE",
        start.health_check,
        "no HEALTHCHECK",
    ),
    "another image's label": (
        "backend",
        "LABEL org.ktrdr.image=dev",
        metadata.labels,
        "org.ktrdr.image is 'dev'",
    ),
    "no build information": (
        "backend",
        python("os.unlink('/build-info.json')"),
        metadata.build_information,
        "no /build-info.json",
    ),
    "token among the variables": (
        "backend",
        "ENV KTRDR_API_TOKEN=word",
        metadata.environment,
        "KTRDR_API_TOKEN",
    ),
    "password in the history": (
        "backend",
        "LABEL index=https://me:word@example.org",
        metadata.history,
        "steps that tell a secret",
    ),
    "setuid": (
        "backend",
        python("os.chmod('/app/.venv/bin/dumb-init', 0o4755)"),
        filesystem.set_id,
        "/app/.venv/bin/dumb-init",
    ),
    "shell": (
        "backend",
        python("shutil.copy('/app/.venv/bin/dumb-init', '/app/.venv/bin/sh')"),
        filesystem.programs,
        "shells: /app/.venv/bin/sh",
    ),
    "file that everybody may change": (
        "backend",
        python("os.chmod('/app/healthcheck.py', 0o666)"),
        filesystem.ownership,
        "/app/healthcheck.py",
    ),
    "file of the user's": (
        "backend",
        python("os.chown('/app/healthcheck.py', 10001, 10001)"),
        filesystem.ownership,
        "/app/healthcheck.py",
    ),
    "private key": (
        "backend",
        python(f"pathlib.Path('/app/server').write_text({KEY!r})"),
        filesystem.secrets,
        "/app/server",
    ),
    "foreign certificate": (
        "backend",
        python(
            "bundle = open('/etc/ssl/certs/ca-certificates.crt', 'a'); "
            f"bundle.write({CERTIFICATE!r})"
        ),
        filesystem.certificates,
        "trusted certificates not of the distribution",
    ),
    "wheel left behind": (
        "backend",
        python("pathlib.Path('/app/numpy-2.0-py3-none-any.whl').touch()"),
        filesystem.left_behind,
        "numpy-2.0",
    ),
}
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    ("key", "lines", "judge", "told"), PLANTS.values(), ids=list(PLANTS)
)
def test_fault_in_an_image_is_found(engine, tmp_path, key, lines, judge, told):
    with derived(engine, key, lines, tmp_path) as subject:
        with pytest.raises(Fault) as fault:
            judge(subject)
        assert told in str(fault.value)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            written_into(
                "ktrdr/api/serving.py", "\n_Server.handle_exit = lambda *_: None\n"
            ),
            "exit code 137, expected 0",
        ),
        (
            written_into(
                "ktrdr/api/services/health_service.py",
                "\nasync def _lacking(_):\n"
                "    return ReadyDocument(status='not_ready', parts=())\n"
                "Health.ready = _lacking\n",
            ),
            "status 503",
        ),
        (
            python(
                "pathlib.Path('/app/healthcheck.py').write_text('raise SystemExit(1)')"
            ),
            "did not succeed within",
        ),
        (
            written_into(
                "ktrdr/api/serving.py", "\nasync def _require_token(_): pass\n"
            ),
            "expected a refusal",
        ),
    ],
    ids=[
        "deaf to SIGTERM",
        "alive but never ready",
        "never healthy",
        "open without a token",
    ],
)
def test_fault_of_a_server_is_found(engine, tmp_path, lines, told):
    with (
        derived(engine, "backend", lines, tmp_path) as subject,
        running_system(subject) as system,
    ):
        serving.schema(system)
        judge = serving.refuses_to_be_open if "refusal" in told else serving.backend
        with pytest.raises(Fault) as fault:
            judge(system)
        assert told in str(fault.value)


def test_command_fails_for_a_backend_that_imports_torch(engine, tmp_path):
    lines = written_into("ktrdr/api/main.py", "\nimport torch\n")
    with derived(engine, "backend", lines, tmp_path) as subject:
        done = subprocess.run(
            [KINFRA, "images", "verify", subject.reference, "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    (report,) = json.loads(done.stdout)["images"]
    failed = {one["name"] for one in report["checks"] if one["outcome"] == "failed"}
    assert {"imports", "non-imports", "backend"} <= failed
    assert not failed & {"size", "user", "packages", "certificates"}


def test_source_that_grows_an_image_over_its_budget_is_not_built(engine, tmp_path):
    copy_context(tmp_path)
    sample = tmp_path / "ktrdr" / "data" / "samples" / "more.bin"
    sample.write_bytes(bytes(100_000_000))
    wishes = Wishes(platform=own_platform())
    recipe = make_recipe(CONTRACT, CONTRACT.image("backend"), wishes, IDENTITY)
    with pytest.raises(OverBudgetError, match="backend weighs 3") as refused:
        build_image(engine, recipe, tmp_path, ["ktrdr-planted:build"])
    engine.run("image", "rm", str(refused.value).rpartition(" ")[2])
    assert not engine.has_image("ktrdr-planted:build")
