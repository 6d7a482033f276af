"""What the program counts that runs inside an image."""

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from ktrdr.cli.kinfra.images import package_probe


def write_package(folder):
    info = folder / "thing-1.2.dist-info"
    (folder / "thing/__pycache__").mkdir(parents=True)
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.2\n")
    rows = ["thing/a.py,,", "thing/trimmed.so,,", "thing-1.2.dist-info/RECORD,,"]
    (info / "RECORD").write_text("\n".join(rows))
    (folder / "thing/a.py").write_bytes(b"#" * 1000)
    (folder / "thing/__pycache__/a.cpython-313.pyc").write_bytes(b"#" * 500)
    (folder / "thing/__pycache__/b.cpython-313.pyc").write_bytes(b"#" * 9000)
    return (info / "RECORD").stat().st_size


def test_files_and_their_bytecode_count_and_trimmed_ones_do_not(tmp_path, monkeypatch):
    record = write_package(tmp_path)
    monkeypatch.setattr(
        package_probe, "distributions", lambda: distributions(path=[str(tmp_path)])
    )
    assert package_probe.weights() == [("thing", "1.2", 1500 + record)]


def test_the_program_needs_nothing_of_ktrdr():
    source = Path(package_probe.__file__).read_text("utf-8")
    command = [sys.executable, "-I", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    names = {name for name, _, _ in json.loads(done.stdout)}
    assert "numpy" in names
    assert "import ktrdr" not in source
    assert "from ktrdr" not in source
