"""What the pages of the documents promise, done as they say."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import ktrdr
from ktrdr.database.embedded.ports import free_port
from tests.documents import ROOT, blocks
from tests.pages.reader import Reader

pytestmark = pytest.mark.slow
SAMPLE = Path(ktrdr.__file__).parent / "data/samples/EURUSD_1h_2017_ask.csv.gz"
# Each is read on a system of its own, from its first command to its last.
READ = [
    "docs/quick-start.md",
    "docs/system.md",
    "docs/operations.md",
    "docs/troubleshooting.md",
]


@pytest.fixture
def stand_ins(postgres_server, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """What a reader puts in the place of a page's examples."""
    port = free_port(None)
    with postgres_server.database("template1") as url:
        yield {
            "postgresql://ktrdr:secret@db.example/ktrdr": url,
            "s3://research/ktrdr": str(tmp_path / "shared"),
            "--host 0.0.0.0": f"--host 0.0.0.0 --port {port}",
            "https://research.example": f"http://127.0.0.1:{port}",
            "--device cuda": "--device cpu",
        }


@pytest.mark.parametrize("page", READ)
def test_the_commands_work_in_their_order(
    page: str, stand_ins: Mapping[str, str], tmp_path: Path
):
    bars = gzip.decompress(SAMPLE.read_bytes())
    (tmp_path / "EURUSD_H1.csv").write_bytes(bars)
    run = [one for one in blocks(ROOT / page) if one.needs is None]
    assert run
    with Reader(tmp_path, stand_ins) as reader:
        for block in run:
            for command in block.commands:
                reader.do(command)
