"""The root that is put together from the slim image has all that programs look for.

What `kinfra images verify` does not prove: whether each library is there shows in what
it looks at only by what happens to be loaded.
"""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.build import build_image, own_platform
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.recipe import Wishes, make_recipe
from tests.docker_context import ROOT
from tests.images.derived import CONTRACT, built

ASSEMBLED = [
    image.key
    for image in CONTRACT.images
    if image.slim_budget_mb is not None and image.accelerator != "cuda"
]
EXTENSIONS = """
import importlib, json, os, sys
(folder,) = [path for path in sys.path if path.endswith("lib-dynload")]
names = {name.partition(".")[0] for name in os.listdir(folder)}
missing = {}
for name in sorted(names):
    try:
        importlib.import_module(name)
    except ImportError as error:
        missing[name] = str(error)
print(json.dumps([len(names), missing]))
"""
LOOKUPS = """
import json, locale, os, pwd, socket, ssl, time, zoneinfo
os.environ["TZ"] = "America/New_York"
time.tzset()
print(json.dumps({
    "certificates": len(ssl.create_default_context().get_ca_certs()) > 100,
    "home": pwd.getpwuid(os.getuid()).pw_dir,
    "host": socket.gethostbyname("localhost"),
    "locale": locale.setlocale(locale.LC_ALL, ""),
    "protocol": socket.getprotobyname("tcp"),
    "service": socket.getservbyname("https"),
    "zone": time.tzname[0],
    "zones": zoneinfo.TZPATH[0] == "/usr/share/zoneinfo",
}))
"""
RECORDS = """
import json, pathlib
records = pathlib.Path("/var/lib/dpkg/status.d")
known = {path.name: path.read_text() for path in records.iterdir()}
licences = {path.parent.name for path in pathlib.Path("/usr/share/doc").glob("*/copy*")}
print(json.dumps([sorted(known), sorted(licences),
    [name for name, text in known.items() if "\\nVersion: " not in text]]))
"""
# Compiled ahead are all modules that the server has imported once it answers.
UNCOMPILED = """
import json, os, sys
import ktrdr.api.main, ktrdr.workers.backtest_job
specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
cached = [spec.cached for spec in specs if spec is not None and spec.cached]
print(json.dumps([len(cached), [path for path in cached if not os.path.exists(path)]]))
"""
# Its child ends and leaves one of its own behind, which the first process inherits.
ORPHAN = """
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.2)
    os._exit(0)
os.wait()
time.sleep(1)
states = [open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
          for pid in os.listdir("/proc") if pid.isdigit()]
print(sorted(states))
"""
pytestmark = pytest.mark.timeout(1800)


def run(engine: Engine, reference: str, program: str, *options: str) -> str:
    hardened = (
        "--rm",
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--interactive",
    )
    command = (*hardened, *options, reference, "python", "-")
    return engine.run("run", *command, stdin=program)


@pytest.fixture(scope="module")
def slim(engine: Engine) -> Iterator[str]:
    """The backend's target for debugging, built here."""
    reference = f"ktrdr-slim:{secrets.token_hex(6)}"
    wishes = Wishes(platform=own_platform(), is_slim=True)
    recipe = make_recipe(CONTRACT, CONTRACT.image("backend"), wishes, {})
    build_image(engine, recipe, ROOT, [reference])
    yield reference
    engine.attempt("image", "rm", "--force", reference)


@pytest.mark.parametrize("key", ASSEMBLED)
def test_each_part_of_the_standard_library_finds_its_libraries(
    engine: Engine, key: str
):
    n_modules, missing = json.loads(
        run(engine, built(engine, key).reference, EXTENSIONS)
    )
    assert n_modules > 20
    assert missing == {}


@pytest.mark.parametrize("key", ASSEMBLED)
def test_what_programs_look_up_is_there(engine: Engine, key: str):
    found = json.loads(run(engine, built(engine, key).reference, LOOKUPS))
    assert found == {
        "certificates": True,
        "home": "/var/lib/ktrdr",
        "host": "127.0.0.1",
        "locale": "C.UTF-8",
        "protocol": 6,
        "service": 443,
        "zone": "EST",
        "zones": True,
    }


@pytest.mark.parametrize("key", ASSEMBLED)
def test_scanners_can_tell_which_packages_of_debian_it_has(engine: Engine, key: str):
    known, licences, unversioned = json.loads(
        run(engine, built(engine, key).reference, RECORDS)
    )
    assert {"ca-certificates", "libc6", "tzdata", "zlib1g"} <= set(known)
    assert not {"apt", "bash", "dpkg"} & set(known)
    assert set(licences) == set(known)
    assert unversioned == []


@pytest.mark.parametrize("key", ASSEMBLED)
def test_servers_and_backtests_start_from_bytecode(engine: Engine, key: str):
    n_modules, uncompiled = json.loads(
        run(engine, built(engine, key).reference, UNCOMPILED)
    )
    assert n_modules > 500
    assert uncompiled == []


def test_processes_that_nobody_waits_for_are_reaped(engine: Engine):
    told = run(engine, built(engine, "backend").reference, ORPHAN)
    assert "Z" not in told


def test_slim_image_is_the_same_with_a_shell(engine: Engine, slim: str):
    names = "from importlib.metadata import distributions as d; " + (
        "print(sorted((one.name, one.version) for one in d()))"
    )
    assembled = built(engine, "backend").reference
    assert run(engine, slim, names) == run(engine, assembled, names)
    n_modules, uncompiled = json.loads(run(engine, slim, UNCOMPILED))
    assert n_modules > 500
    assert uncompiled == []
    told = engine.run(
        "run", "--rm", "--read-only", slim, "bash", "-c", "ktrdr --version"
    )
    assert told.startswith("ktrdr ")


def test_development_image_runs_the_source_that_is_mounted(
    engine: Engine, tmp_path: Path
):
    package = tmp_path / "ktrdr"
    package.mkdir()
    (package / "__init__.py").write_text("mounted = True\n")
    for path in (tmp_path, package, package / "__init__.py"):
        path.chmod(0o755)
    mount = f"--volume={tmp_path}:/app/src:ro"
    program = "import ktrdr; print(ktrdr.mounted, ktrdr.__file__)"
    told = run(engine, built(engine, "dev").reference, program, mount)
    assert told.split() == ["True", "/app/src/ktrdr/__init__.py"]
