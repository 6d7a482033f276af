from collections.abc import Iterator

import pytest

from ktrdr.storage import ArtifactStore
from tests.s3 import S3Server, running_s3, set_s3_environment


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture
def bucket(s3_server, monkeypatch) -> str:
    """URL of a place in a fresh bucket."""
    set_s3_environment(monkeypatch, s3_server)
    place: str = s3_server.new_bucket()
    return place


@pytest.fixture(params=["folder", "s3"])
def location(request, tmp_path) -> str:
    """Where a store can be: everything holds in both places."""
    if request.param == "folder":
        return str(tmp_path / "store")
    place: str = request.getfixturevalue("bucket")
    return place


@pytest.fixture
def store(location) -> ArtifactStore:
    return ArtifactStore.open(location)
