"""Check ``infra/image-torch-availability``: each image has the torch that it declares.

Its commands are those that the project's first version was checked with.
"""

import pytest

from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.verify.imports import non_imports, torch_build
from tests.images.derived import CONTRACT, built

WITH_TORCH = [
    image.key for image in CONTRACT.images if image.accelerator not in ("none", "cuda")
]
KEYS = ["backend", *WITH_TORCH]
REPORT = "import torch; print(f'torch={torch.__version__}, cuda={torch.version.cuda}')"
pytestmark = pytest.mark.timeout(600)


def test_backend_has_no_torch(engine: Engine):
    reference = built(engine, "backend").reference
    done = engine.attempt("run", "--rm", reference, "python", "-c", "import torch")
    assert done.code != 0
    assert "ModuleNotFoundError: No module named 'torch'" in done.err


@pytest.mark.parametrize("python", ["python", "/app/.venv/bin/python"])
@pytest.mark.parametrize("key", WITH_TORCH)
def test_other_images_have_torch_for_the_cpu(engine: Engine, key: str, python: str):
    reference = built(engine, key).reference
    told = engine.run("run", "--rm", reference, python, "-c", REPORT)
    assert told.strip() == f"torch={CONTRACT.torch_release}+cpu, cuda=None"


@pytest.mark.parametrize("key", KEYS)
def test_nothing_of_another_build_is_there(engine: Engine, key: str):
    subject = built(engine, key)
    assert non_imports(subject)
    if key in WITH_TORCH:
        assert torch_build(subject)
