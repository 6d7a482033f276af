"""What a program in the image sees."""

import json
import os
import platform
import sys
from importlib.metadata import distributions
from pathlib import Path


def _markers() -> dict[str, str]:
    # Those of the specification of dependency specifiers.
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": platform.python_version(),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def _build() -> object:
    path = Path("/build-info.json")
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _can_write_root() -> bool:
    try:
        Path("/written").touch()
    except OSError:
        return False
    return True


def _report() -> dict[str, object]:
    first = Path("/proc/1/cmdline").read_bytes().decode(errors="replace")
    return {
        "user": f"{os.getuid()}:{os.getgid()}",
        "python": platform.python_version(),
        "prefix": sys.prefix,
        "init": first.rstrip("\0").split("\0"),
        "markers": _markers(),
        "packages": {one.name: one.version for one in distributions()},
        "build": _build(),
        "can_write_root": _can_write_root(),
    }


if __name__ == "__main__":
    print(json.dumps(_report()))
