import json
from pathlib import Path

import pytest

from ktrdr import build_info as module
from ktrdr.build_info import build_info

FACTS = {"commit": "c0ffee", "image": "worker-cpu", "lock": "e3b0", "torch": None}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """What an image's build wrote, for a program without a checkout."""
    path = tmp_path / "build-info.json"
    monkeypatch.setattr(module, "_BUILD_INFO_FILE", path)
    monkeypatch.setattr(module, "__file__", str(tmp_path / "ktrdr/build_info.py"))
    build_info.cache_clear()
    yield path
    build_info.cache_clear()


def test_an_image_tells_which_it_is_and_from_which_locks(written: Path):
    written.write_text(json.dumps(FACTS))
    info = build_info()
    assert (info.commit, info.image, info.lock) == ("c0ffee", "worker-cpu", "e3b0")


def test_outside_of_an_image_there_is_none(written: Path):
    info = build_info()
    assert (info.commit, info.image, info.lock) == ("unknown", None, None)


def test_a_mounted_checkout_is_not_taken_for_the_image_s_own_source(
    written: Path, monkeypatch
):
    written.write_text(json.dumps(FACTS))
    (written.parent / ".git").mkdir()
    monkeypatch.setattr(module, "_git", lambda *_: None)
    assert build_info().commit == "unknown"
