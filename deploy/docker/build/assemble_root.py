"""Assemble the small root of an image in ``/root-of-image`` from the slim image.

Usage: ``python assemble_root.py USER`` where ``/out`` is what ``layers.py`` made.

What programs of the image need of Debian and of the interpreter, found by following
links and libraries, and nothing that could run anything else: no shell, no package
manager, no setuid program.
"""

import argparse
import os
import shutil
import ssl
import sys
import sysconfig
from pathlib import Path

from layers import PACKAGES
from libraries import is_elf, libraries_of
from package_records import record_packages
from standard_library import compile_standard_library
from trees import OUT, normalise, set_times

ROOT = Path("/root-of-image")
HOME = Path("var/lib/ktrdr")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Parts of the standard library that serve developing, installing or a screen.
_LEFT_OUT = (
    *("__pycache__", "config-*", "ensurepip", "idlelib", "lib2to3", "pydoc_data"),
    *("site-packages", "dist-packages", "test", "tkinter", "turtledemo", "turtle.py"),
    *("_tkinter.*", "*.a", "EXTERNALLY-MANAGED"),
)
# What programs and the C library look up: names, zones, locale, certificates.
_OF_DEBIAN = (
    *("/etc/debian_version", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/mime.types"),
    *("/etc/nsswitch.conf", "/etc/os-release", "/etc/protocols", "/etc/services"),
    *("/usr/lib/locale/C.utf8", "/usr/lib/os-release", "/usr/share/zoneinfo"),
    *("/usr/share/ca-certificates/mozilla", "/etc/localtime"),
)
_ZONES_LEFT_OUT = ("posix", "right")


def main() -> None:
    """Assemble the root for programs that run as ``USER``, such as ``10001:10001``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("user")
    user, group = map(int, parser.parse_args().user.split(":"))
    make_folders()
    copy_interpreter()
    copy_of_debian()
    copy_libraries()
    write_accounts(user, group)
    write_certificates()
    record_packages(ROOT)
    normalise(ROOT)
    give_folders(user, group)
    set_times(ROOT)


def make_folders() -> None:
    """Make the folders that are not copied, and Debian's links to merged ones."""
    for folder in ("app", "dev", "proc", "run", "sys", "tmp", "var/tmp", HOME):
        (ROOT / folder).mkdir(parents=True)
    for name in ("lib", "lib64"):
        link = Path("/") / name
        if link.is_symlink():
            (ROOT / name).symlink_to(os.readlink(link))


def copy_interpreter() -> None:
    """Copy the interpreter and its standard library, compiled where runs import it."""
    copy(Path(os.readlink(PACKAGES / "app/.venv/bin/python")))
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(
        library,
        ROOT / library.relative_to("/"),
        symlinks=False,
        ignore=shutil.ignore_patterns(*_LEFT_OUT),
        ignore_dangling_symlinks=True,
    )
    compile_standard_library(ROOT)


def copy_of_debian() -> None:
    """Copy the files of Debian that are named above and are there."""
    for name in _OF_DEBIAN:
        path = Path(name)
        if path.is_dir():
            shutil.copytree(
                path,
                ROOT / path.relative_to("/"),
                symlinks=True,
                ignore=shutil.ignore_patterns(*_ZONES_LEFT_OUT),
            )
        elif path.exists():
            copy(path)


def copy_libraries() -> None:
    """Copy the shared libraries that any program or library of the image needs."""
    # OUT holds what later layers bring.
    programs = [path for tree in (ROOT, OUT) for path in elf_files(tree)]
    for library in sorted(libraries_of(programs)):
        if not library.is_relative_to(OUT) and not library.is_relative_to(ROOT):
            copy(library)


def elf_files(tree: Path) -> list[Path]:
    """Return the programs and libraries in a folder."""
    return [path for path in sorted(tree.rglob("*")) if is_elf(path)]


def copy(path: Path) -> None:
    """Copy a file to its place in the root, and every link on the way to it."""
    path = path.parent.resolve() / path.name
    target = ROOT / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.exists():
        return
    shutil.copy2(path, target, follow_symlinks=False)
    if path.is_symlink():
        copy(path.parent / os.readlink(path))


def write_accounts(user: int, group: int) -> None:
    """Write the accounts: root, which nobody becomes, and ktrdr."""
    passwd = f"root:x:0:0:root:/root:/none\nktrdr:x:{user}:{group}::/{HOME}:/none\n"
    (ROOT / "etc/passwd").write_text(passwd)
    (ROOT / "etc/group").write_text(f"root:x:0:\nktrdr:x:{group}:\n")


def write_certificates() -> None:
    """Write the bundle of Debian's own certificates, without any of the base's."""
    trusted = sorted((ROOT / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    if not trusted:
        sys.exit("the base image has no certificates of Debian's ca-certificates")
    bundle = ROOT / CERTIFICATES.relative_to("/")
    bundle.parent.mkdir(parents=True)
    bundle.write_text("".join(one.read_text().rstrip() + "\n" for one in trusted))
    openssl = ROOT / ssl.get_default_verify_paths().openssl_cafile.removeprefix("/")
    openssl.parent.mkdir(parents=True)
    openssl.symlink_to(CERTIFICATES)


def give_folders(user: int, group: int) -> None:
    """Give ktrdr its one folder; let everybody write to the temporary ones."""
    os.chown(ROOT / HOME, user, group)
    (ROOT / HOME).chmod(0o750)
    for name in ("tmp", "var/tmp"):
        (ROOT / name).chmod(0o1777)


if __name__ == "__main__":
    main()
