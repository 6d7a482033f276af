import json
import os
from functools import cache

import pytest

from ktrdr.report import write_report
from tests.unit.report.results import eurusd, random_targets, result_of


@cache
def result(name="tested"):
    return result_of(eurusd(200), random_targets(200), strategy_name=name)


def test_page_picture_and_numbers_stand_beside_each_other(tmp_path):
    written = write_report(result(), tmp_path / "a" / "b")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [
        "tested-EURUSD-121212121212.html",
        "tested-EURUSD-121212121212.json",
        "tested-EURUSD-121212121212.png",
    ]
    assert written.html.read_text().startswith("<!DOCTYPE html>")
    assert written.png.read_bytes().startswith(b"\x89PNG")


def test_numbers_are_the_manifest_with_the_verdict(tmp_path):
    written = write_report(result(), tmp_path)
    document = json.loads(written.json.read_text())
    assert document.pop("result") == result().digest
    assert document.pop("verdict")["outcome"] == "gain"
    assert document == result().manifest.model_dump(mode="json")


def test_writing_again_replaces_with_the_same_bytes(tmp_path):
    first = {path: path.read_bytes() for path in _paths(tmp_path)}
    second = {path: path.read_bytes() for path in _paths(tmp_path)}
    assert first == second


def _paths(folder):
    written = write_report(result(), folder)
    return written.html, written.png, written.json


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b\\c", "..", "", "\x00", "ü" * 99]
)
def test_names_stay_inside_the_folder(tmp_path, name):
    written = write_report(result(name), tmp_path)
    assert written.html.parent == tmp_path
    assert written.html.name.isascii()
    assert len(written.html.name) < 100


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    written = write_report(result(), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(result(), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert written.html.is_file()


def test_reports_are_as_open_as_other_new_files(tmp_path):
    (tmp_path / "other").touch()
    written = write_report(result(), tmp_path)
    assert written.html.stat().st_mode == (tmp_path / "other").stat().st_mode
