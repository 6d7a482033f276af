"""What the probe finds of itself, whoever runs it."""

import os
from types import SimpleNamespace

import pytest

from ktrdr.cli.kinfra.images.verify.probes import process


@pytest.mark.parametrize("flags", [0, os.ST_NOSUID, os.ST_RDONLY | os.ST_NOSUID])
def test_root_is_read_only_by_its_mount_not_by_who_may_write(monkeypatch, flags):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))
    found = process._report()["is_root_read_only"]
    assert found is bool(flags & os.ST_RDONLY)


@pytest.mark.parametrize(
    ("effective", "bounding", "told"),
    [
        ("0000000000000000", "0000000000000000", "0"),
        ("0000000000000001", "0000000000000001", "1"),
        # A user that is not root, in a container that dropped nothing.
        ("0000000000000000", "00000000a80425fb", "a80425fb"),
    ],
)
def test_capabilities_are_those_it_has_or_might_gain(effective, bounding, told):
    status = f"Name:\tpython\nCapEff:\t{effective}\nCapBnd:\t{bounding}\n"
    assert process._capabilities(status) == told
