"""Take from torch, and from what it brings, what no run needs.

Usage: ``python trim_torch.py cpu|cuda``

A thing that the tables name and that is not there ends the build: another release of
torch is laid out otherwise, and somebody has to look again at what it needs. How to:
``docs/decisions/0023-torch-images.md``.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from install import ENVIRONMENT
from strip_symbols import StripError, strip_symbols
from trim import remove

_BOTH = ("cpu", "cuda")


class TrimError(Exception):
    """Torch is not laid out as the tables say."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What is removed.

    Attributes
    ----------
    pattern : str
        Files or folders in site-packages.
    why : str
        Why no run needs them.
    builds : tuple of str
        Builds of torch that have them.
    is_certain : bool
        False if only some machines' builds have them.
    """

    pattern: str
    why: str
    builds: tuple[str, ...] = _BOTH
    is_certain: bool = True


REMOVALS = (
    Removal(pattern="torch/include", why="headers, for compiling extensions"),
    Removal(pattern="torch/share", why="CMake's files, for compiling extensions"),
    Removal(pattern="torch/bin/protoc*", why="compiles definitions of messages"),
    Removal(
        pattern="torch/test",
        why="programs that test the C++ library",
        builds=("cpu",),
        is_certain=False,
    ),
    Removal(
        pattern="torch/bin/*[tT]est*",
        why="programs that test the C++ library, and their data",
        builds=("cpu",),
        is_certain=False,
    ),
    Removal(
        pattern="torch/lib/lib*_test.so",
        why="libraries that only the tests load",
        builds=("cpu",),
        is_certain=False,
    ),
    Removal(
        pattern="torch/lib/libaoti_custom_ops.so",
        why="operators that only the tests load",
        builds=("cpu",),
        is_certain=False,
    ),
    Removal(
        pattern="torch/lib/libbackend_with_compiler.so",
        why="a backend that only the tests load",
        builds=("cpu",),
        is_certain=False,
    ),
    Removal(pattern="sympy/**/tests", why="sympy's own tests"),
    Removal(pattern="networkx/**/tests", why="networkx's own tests"),
    Removal(pattern="mpmath/tests", why="mpmath's own tests"),
    Removal(
        pattern="nvidia/*/include",
        why="headers, for compiling CUDA programs",
        builds=("cuda",),
    ),
    Removal(
        pattern="nvidia/nvshmem/lib/libnvshmem_device.bc",
        why="code that a compiler puts into kernels; there is no compiler",
        builds=("cuda",),
    ),
    Removal(
        pattern="nvidia/*/lib/libnvrtc*.alt.so.*",
        why="a second nvrtc, which only programs that name it load",
        builds=("cuda",),
    ),
    Removal(
        pattern="nvidia/*/lib/libcusolverMg.so.*",
        why="linear algebra over several GPUs, which torch does not link",
        builds=("cuda",),
    ),
    Removal(
        pattern="nvidia/*/lib/libnvperf_*.so",
        why="hardware counters for profilers; tracing, in libcupti, stays",
        builds=("cuda",),
    ),
    Removal(
        pattern="nvidia/*/lib/libpcsamplingutil.so",
        why="reads what profilers have sampled",
        builds=("cuda",),
    ),
    Removal(
        pattern="nvidia/*/lib/libcheckpoint.so",
        why="saves a GPU's memory between passes of a profiler",
        builds=("cuda",),
    ),
    Removal(
        pattern="nvidia/*/lib/libcufftw.so.*",
        why="FFTW's interface to cufft, for programs written for FFTW",
        builds=("cuda",),
    ),
    Removal(
        pattern="nvidia/*/lib/libnvblas.so.*",
        why="takes the place of a CPU's BLAS when it is preloaded",
        builds=("cuda",),
    ),
)
# Nothing else loses its symbols: these are where the weight is.
STRIPPED: dict[str, tuple[str, ...]] = {
    "cpu": (
        "torch/lib/libtorch_cpu.so",
        "torch/lib/libtorch_python.so",
        "torch/lib/libc10.so",
    ),
    "cuda": (
        "torch/lib/libtorch_cpu.so",
        "torch/lib/libtorch_cuda.so",
        "torch/lib/libtorch_cuda_linalg.so",
        "torch/lib/libtorch_python.so",
        "nvidia/nccl/lib/libnccl.so.2",
    ),
}


def main() -> None:
    """Trim torch in the image's environment and tell how much that was."""
    parser = argparse.ArgumentParser()
    parser.add_argument("build", choices=_BOTH)
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT)
    given = parser.parse_args()
    site_packages = next(given.environment.glob("lib/python3*/site-packages"))
    try:
        for size, line in trim(site_packages, given.build):
            print(f"{size / 1e6:6.1f} MB  {line}")
    except TrimError as error:
        sys.exit(f"trim_torch.py: {error}")


def trim(site_packages: Path, build: str) -> Iterator[tuple[int, str]]:
    """Remove and strip; yield the bytes that each step saved, and what it was.

    Raises
    ------
    TrimError
        If something that is named is not there.
    """
    for removal in REMOVALS:
        if build in removal.builds:
            yield (
                remove_all(site_packages, removal),
                f"{removal.pattern}: {removal.why}",
            )
    for name in STRIPPED[build]:
        yield strip(site_packages / name), f"{name}: symbols"


def remove_all(site_packages: Path, removal: Removal) -> int:
    """Remove all that a line of the table names; return its size."""
    found = sorted(site_packages.glob(removal.pattern))
    if not found and removal.is_certain:
        raise TrimError(
            f"there is no {removal.pattern}, which was to be removed ({removal.why}): "
            "look at what this release of torch needs and change the table"
        )
    return sum(remove(path) for path in found)


def strip(path: Path) -> int:
    """Strip a library; return the bytes saved."""
    try:
        return strip_symbols(path)
    except FileNotFoundError:
        raise TrimError(
            f"there is no {path}, which was to be stripped: look at how this release "
            "of torch is laid out and change the table"
        ) from None
    except StripError as error:
        raise TrimError(f"{path} can't be stripped: {error}") from None


if __name__ == "__main__":
    main()
