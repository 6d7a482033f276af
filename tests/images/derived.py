"""Images that are made from a built one by a few lines, each with one fault."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.references import find_image
from ktrdr.cli.kinfra.images.verify.subject import Subject

CONTRACT = load_contract()
# Where packages lie in every image; one release of Python is there.
_PRELUDE = (
    "import os, pathlib, shutil, sys; "
    "packages = next(pathlib.Path('/app/.venv/lib').glob('python3*/site-packages')); "
)


def python(statements: str) -> str:
    """Return the line that runs ``statements`` as root; an image has no shell."""
    program = (_PRELUDE + statements).replace("\\", "\\\\").replace('"', '\\"')
    return f'USER 0:0\nRUN ["python", "-c", "{program}"]\nUSER {CONTRACT.user}'


def written_into(module: str, source: str) -> str:
    """Return the line that puts ``source`` at the end of a module of ktrdr."""
    return python(
        f"path = packages / {module!r}; "
        "[one.unlink() for one in path.parent.glob(f'__pycache__/{path.stem}.*')]; "
        f"path.write_text(path.read_text() + {source!r})"
    )


def built(engine: Engine, key: str) -> Subject:
    """Return the image ``key``, which must be there."""
    found = find_image(CONTRACT, engine, key)
    if not engine.has_image(found.reference):
        pytest.fail(f"there is no {found.reference}: run `make images`")
    return Subject(engine=engine, contract=CONTRACT, found=found)


@contextmanager
def derived(engine: Engine, key: str, lines: str, folder: Path) -> Iterator[Subject]:
    """Lend the image ``key`` with ``lines`` of a Dockerfile added to it."""
    origin = built(engine, key)
    name = f"ktrdr-planted:{secrets.token_hex(6)}"
    formatted = ("--format=docker",) if engine.name == "podman" else ()
    # The engine takes this as the whole context, so that nothing else is sent.
    recipe = folder / "Dockerfile"
    recipe.write_text(f"FROM {origin.reference}\n{lines}\n", "utf-8")
    engine.run("build", *formatted, "--tag", name, str(folder))
    try:
        found = find_image(CONTRACT, engine, name)
        # Held to what its origin has to be, whatever its label says.
        expected = type(found)(image=origin.image, reference=name)
        yield Subject(engine=engine, contract=CONTRACT, found=expected)
    finally:
        engine.attempt("image", "rm", "--force", name)
