"""What a training worker checks before it takes work, with made-up torches."""

import pytest

from ktrdr.errors import IncompatibleError, InputError, MissingExtraError
from ktrdr.workers.startup import validate_ml_dependencies
from ktrdr.workers.training_worker import validate_ml_dependencies as seen_there

TORCH = """
print("a library that prints while it is loaded")
__version__ = "9.9.0+{build}"
class version:
    cuda = {cuda!r}
class cuda:
    is_available = staticmethod(lambda: {sees_cuda})
class backends:
    class mps:
        is_built = staticmethod(lambda: {has_mps})
        is_available = staticmethod(lambda: {has_mps})
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    def installed(text: str) -> None:
        (tmp_path / "torch.py").write_text(text)

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return installed


def torch(*, cuda=None, sees_cuda=False, has_mps=False) -> str:
    build = "cu13" if cuda else "cpu"
    return TORCH.format(build=build, cuda=cuda, sees_cuda=sees_cuda, has_mps=has_mps)


CPU = torch()
CUDA_WITHOUT_GPU = torch(cuda="13.0")
CUDA = torch(cuda="13.0", sees_cuda=True)
MAC = torch(has_mps=True)


@pytest.mark.parametrize(
    ("build", "accelerator", "device", "found"),
    [
        (CPU, None, "auto", "cpu"),
        (CPU, "cpu", "auto", "cpu"),
        (CPU, None, "cpu", "cpu"),
        (CUDA, None, "auto", "cuda"),
        (CUDA, "cuda", "auto", "cuda"),
        (CUDA, "cuda", "cuda", "cuda"),
        # A machine whose GPU is wanted for something else.
        (CUDA, "cuda", "cpu", "cpu"),
        (CUDA_WITHOUT_GPU, "cuda", "auto", "cpu"),
        (MAC, None, "auto", "mps"),
        (MAC, "mps", "mps", "mps"),
    ],
)
def test_where_it_trains(install, build, accelerator, device, found):
    install(build)
    assert validate_ml_dependencies(accelerator, device) == found


@pytest.mark.parametrize(
    ("build", "accelerator", "device", "error", "told"),
    [
        (CPU, "cuda", "auto", IncompatibleError, "use the image ktrdr-worker-gpu"),
        (CPU, "cuda", "cpu", IncompatibleError, "KTRDR_ACCELERATOR declares cuda"),
        (CUDA, "cpu", "auto", IncompatibleError, "built for CUDA 13.0: use the image "),
        (CPU, None, "cuda", IncompatibleError, "use the image ktrdr-worker-gpu"),
        (CPU, None, "mps", IncompatibleError, "on a Mac"),
        (CUDA_WITHOUT_GPU, "cuda", "cuda", InputError, "sees no such GPU"),
    ],
)
def test_what_does_not_fit_is_refused(install, build, accelerator, device, error, told):
    install(build)
    with pytest.raises(error, match=told):
        validate_ml_dependencies(accelerator, device)


@pytest.mark.parametrize(
    ("accelerator", "image"),
    [(None, "ktrdr-worker-cpu"), ("cuda", "ktrdr-worker-gpu")],
)
def test_without_torch_the_extra_and_the_image_are_named(install, accelerator, image):
    install("raise ModuleNotFoundError('No module named torch', name='torch')")
    with pytest.raises(MissingExtraError, match=r"install ktrdr\[ml\].*" + image):
        validate_ml_dependencies(accelerator)


def test_a_broken_torch_is_told_with_its_reason(install):
    install("raise ImportError('libcudart.so.13: cannot open shared object file')")
    with pytest.raises(IncompatibleError, match=r"libcudart\.so\.13"):
        validate_ml_dependencies("cuda")


def test_a_torch_that_lacks_a_part_is_broken_not_missing(install):
    install("raise ModuleNotFoundError('No module named sympy', name='sympy')")
    with pytest.raises(IncompatibleError, match="sympy"):
        validate_ml_dependencies(None)


def test_the_training_worker_shows_it():
    assert seen_there is validate_ml_dependencies
