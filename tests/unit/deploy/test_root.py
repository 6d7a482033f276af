"""What the assembled root takes over from the slim image."""

import subprocess
from pathlib import Path

import pytest

LDD = """\
\tlinux-vdso.so.1 (0x00007fff1d7f2000)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f19a2cd5000)
\tlibcuda.so.1 => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f19a2dd1000)
"""
LDCONFIG = """\
2 libs found in cache `/etc/ld.so.cache'
\tlibgcc_s.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libgcc_s.so.1
\tlibc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6
"""
STATUS = """\
Package: zlib1g
Status: install ok installed
Version: 1:1.3

Package: apt
Status: install ok installed
Version: 3.0

"""


def test_libraries_are_those_that_the_loader_finds(script, monkeypatch, capsys):
    libraries = script("libraries")

    def run(command, **_):
        text = LDD if command[0] == "ldd" else LDCONFIG
        return subprocess.CompletedProcess(command, 0, text, "")

    monkeypatch.setattr(libraries.subprocess, "run", run)
    found = libraries.libraries_of([Path("/app/x.so")])
    assert sorted(map(str, found)) == [
        "/lib/x86_64-linux-gnu/libgcc_s.so.1",
        "/lib/x86_64-linux-gnu/libm.so.6",
        "/lib64/ld-linux-x86-64.so.2",
    ]
    assert capsys.readouterr().out == "not in the base image: libcuda.so.1\n"


@pytest.mark.parametrize(
    ("content", "is_one"), [(b"\x7fELF\x02", True), (b"#!/bin/sh", False), (b"", False)]
)
def test_programs_are_told_by_what_they_begin_with(script, tmp_path, content, is_one):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert script("libraries").is_elf(path) is is_one


def test_records_are_kept_of_the_packages_whose_files_are(
    script, monkeypatch, tmp_path
):
    records = script("package_records")
    database, root = tmp_path / "dpkg", tmp_path / "root"
    (database / "info").mkdir(parents=True)
    (database / "status").write_text(STATUS)
    (database / "info/zlib1g:amd64.list").write_text("/.\n/opt\n/opt/libz.so.1\n")
    (database / "info/apt.list").write_text("/.\n/link\n/opt\n/opt/apt\n")
    (root / "opt").mkdir(parents=True)
    (root / "opt/libz.so.1").touch()
    (root / "link").symlink_to("opt")
    monkeypatch.setattr(records, "_DATABASE", database)
    records.record_packages(root)
    (record,) = (root / "var/lib/dpkg/status.d").iterdir()
    assert record.name == "zlib1g"
    assert "Version: 1:1.3\n" in record.read_text()


def test_files_that_moved_below_usr_keep_their_package(script, tmp_path):
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    found = script("package_records").as_merged(str(tmp_path / "lib/libc.so.6"))
    assert found == tmp_path / "usr/lib/libc.so.6"


def test_links_are_copied_with_what_they_lead_to(script, monkeypatch, tmp_path):
    assemble = script("assemble_root")
    monkeypatch.setattr(assemble, "ROOT", tmp_path / "root")
    files = tmp_path / "files"
    (files / "bin").mkdir(parents=True)
    (files / "python3.13").write_text("interpreter")
    (files / "bin/python3").symlink_to("../python3.13")
    (files / "python").symlink_to(files / "bin/python3")
    assemble.copy(files / "python")
    copied = tmp_path / "root" / files.relative_to("/")
    assert (copied / "python3.13").read_text() == "interpreter"
    assert (copied / "bin/python3").readlink() == Path("../python3.13")
    assert (copied / "python").readlink() == files / "bin/python3"
