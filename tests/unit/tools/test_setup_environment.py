"""Where the environment takes torch from, with a real pip and a real index."""

import base64
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools import setup_environment

pytestmark = pytest.mark.slow
VERSION = "9.9.0"


def write_wheel(folder: Path, version: str) -> Path:
    """Write a wheel named torch that holds one line, into ``folder``."""
    info = f"torch-{version}.dist-info"
    files = {
        "torch/__init__.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for name, text in files.items():
        digest = hashlib.sha256(text.encode()).digest()
        code = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        rows.append(f"{name},sha256={code},{len(text)}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"torch-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return path


@contextmanager
def package_index(root: Path, version: str) -> Iterator[str]:
    """Serve a package index on loopback that holds one wheel of torch."""
    write_wheel(root / "torch", version)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(root))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def fresh_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, with_pip=True)
    return folder


@pytest.fixture
def python(
    fresh_environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    # An index that no test means to use answers nothing.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("KTRDR_TORCH_INDEX", "http://127.0.0.1:9/torch")
    folder = tmp_path / "venv"
    shutil.copytree(fresh_environment, folder, symlinks=True)
    return folder / "bin" / "python"


def build_of(python: Path) -> str:
    code = "import torch; print(torch.__version__)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize("variable", ["PIP_FIND_LINKS", "UV_FIND_LINKS"])
def test_a_configured_folder_of_wheels_comes_first(
    variable: str, python: Path, tmp_path: Path, monkeypatch, capfd
):
    write_wheel(tmp_path / "wheels", f"{VERSION}+folder")
    monkeypatch.setenv(variable, str(tmp_path / "wheels"))
    with package_index(tmp_path / "index", f"{VERSION}+index") as url:
        monkeypatch.setenv("KTRDR_TORCH_INDEX", url)
        setup_environment.install_torch(python, VERSION)
    assert build_of(python) == f"{VERSION}+folder"
    assert "folder of wheels" in capfd.readouterr().out


def test_the_torch_index_comes_second(python: Path, tmp_path: Path, monkeypatch):
    with package_index(tmp_path / "index", f"{VERSION}+cpu") as url:
        monkeypatch.setenv("KTRDR_TORCH_INDEX", url)
        setup_environment.install_torch(python, VERSION)
    assert build_of(python) == f"{VERSION}+cpu"


def test_without_it_the_default_index_is_used_and_its_size_said_first(
    python: Path, tmp_path: Path, monkeypatch, capfd
):
    with package_index(tmp_path / "index", VERSION) as url:
        monkeypatch.setenv("PIP_INDEX_URL", url)
        setup_environment.install_torch(python, VERSION)
    assert build_of(python) == VERSION
    said = capfd.readouterr().out
    assert "can't be used" in said
    assert "from the default index: a download of 0 MB" in said


def test_torch_of_the_right_release_is_left_alone(
    python: Path, tmp_path: Path, monkeypatch
):
    write_wheel(tmp_path / "wheels", f"{VERSION}+kept")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    setup_environment.install_torch(python, VERSION)
    monkeypatch.delenv("PIP_FIND_LINKS")
    setup_environment.install_torch(python, VERSION)
    assert build_of(python) == f"{VERSION}+kept"


def test_nowhere_to_be_had_is_an_error_that_names_the_command(python: Path):
    with pytest.raises(setup_environment.SetupError, match=f"torch=={VERSION}"):
        setup_environment.install_torch(python, VERSION)


def test_an_old_python_is_told_what_to_do():
    code = (
        "import sys; sys.version_info = (3, 10, 1, 'final', 0)\n"
        "from tools.setup_environment import main; sys.exit(main(['run']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs 3.11 or newer" in done.stderr
