import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture
def bytecode(script, monkeypatch, tmp_path):
    module = script("bytecode")
    monkeypatch.setattr(module, "RECORD", tmp_path / "record")
    monkeypatch.setattr(module, "ENVIRONMENT", tmp_path / "environment")
    monkeypatch.setattr(module, "STANDARD_LIBRARY", tmp_path / "out" / "list.txt")
    return module


def leave_record(bytecode, source: Path) -> None:
    path = bytecode.RECORD / source.relative_to("/")
    name = f"{path.stem}.{sys.implementation.cache_tag}.pyc"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(name).touch()


def test_what_runs_imported_is_found_again(bytecode, tmp_path):
    imported, other = tmp_path / "a.b.py", tmp_path / "other.py"
    imported.touch()
    other.touch()
    leave_record(bytecode, imported)
    leave_record(bytecode, tmp_path / "only_for_a_moment.py")
    assert list(bytecode.imported()) == [imported]


def test_only_the_environment_is_compiled_here(bytecode, tmp_path):
    inside = bytecode.ENVIRONMENT / "module.py"
    inside.parent.mkdir()
    inside.write_text("x = 1\n")
    outside = tmp_path / "module.py"
    outside.write_text("x = 1\n")
    bytecode.compile_modules([inside, outside])
    assert Path(importlib.util.cache_from_source(str(inside))).is_file()
    assert not Path(importlib.util.cache_from_source(str(outside))).exists()
    assert bytecode.STANDARD_LIBRARY.read_text() == f"{outside}\n"


def test_bytecode_tells_nothing_of_its_build(bytecode, tmp_path):
    source = tmp_path / "module.py"
    source.write_text("def f():\n    raise ValueError\n")
    bytecode.compile_file(source, "/app/module.py")
    content = Path(importlib.util.cache_from_source(str(source))).read_bytes()
    # PEP 552: hashed, and never compared with the source.
    assert content[4:8] == (1).to_bytes(4, "little")
    assert str(tmp_path).encode() not in content


def test_imports_inside_functions_are_found(script, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "import os.path\nfrom . import near\ndef f():\n    from json import loads\n"
    )
    assert list(script("import_all").imports(path)) == ["os.path", "json"]


def test_modules_are_named_as_they_are_imported(script, tmp_path):
    package = tmp_path / "ktrdr"
    for name in ("__init__", "__main__", "api/__init__", "api/main", "cli/kinfra/x"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / f"{name}.py").touch()
    found = dict(script("import_all").modules_of(package))
    assert set(found) == {"ktrdr", "ktrdr.api", "ktrdr.api.main"}
