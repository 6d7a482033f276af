"""What ``ktrdr train`` says when it is interrupted."""

import pytest

from ktrdr.cli.train import train
from ktrdr.data import BarStore, install_sample
from ktrdr.errors import JobCancelled
from ktrdr.settings import settings
from ktrdr.storage import ArtifactStore


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    settings.cache_clear()
    install_sample(BarStore(ArtifactStore.in_folder(tmp_path / "store")))
    yield tmp_path
    settings.cache_clear()


def test_an_interrupt_says_how_to_go_on(home, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ktrdr.cli.direct.show_job", interrupted)
    with pytest.raises(JobCancelled, match="`ktrdr train minimal --resume` goes on"):
        train("minimal")
