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


def _capabilities(status: str) -> str:
    """Return the union of what it may do and of what it might gain."""
    fields = dict(line.split(":", 1) for line in status.splitlines())
    # A user that is not root has no effective ones even if nothing was dropped.
    union = int(fields["CapEff"], 16) | int(fields["CapBnd"], 16)
    return f"{union:x}"


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
        # Not by trying, which fails for want of a permission as well.
        "is_root_read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "capabilities": _capabilities(Path("/proc/self/status").read_text("ascii")),
    }


if __name__ == "__main__":
    print(json.dumps(_report()))
