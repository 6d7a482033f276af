"""What the page on watching a system says about traces, done as it says."""

from pathlib import Path

import pytest

from tests.documents import section
from tests.otlp import running_collector
from tests.pages.reader import Reader

pytestmark = pytest.mark.slow
(TRACES,) = section("docs/observability.md", "Traces")
READ = (TRACES,)


def test_the_command_and_all_that_worked_for_it_are_told(tmp_path: Path):
    with running_collector() as collector:
        stand_ins = {"http://127.0.0.1:4318": collector.url}
        with Reader(tmp_path, stand_ins) as reader:
            # What a reader has by then.
            reader.do("ktrdr data sample")
            for command in TRACES.commands:
                reader.do(command)
        # Its end is that of the system, whose programs have sent all by then.
        (training,) = collector.named("ktrdr-cli", "ktrdr train")
        told = {one.service for one in collector.spans if one.trace == training.trace}
    assert told == {"ktrdr-cli", "ktrdr-backend", "ktrdr-worker", "ktrdr-job"}
