"""A job whose behaviour its request chooses, run by tests in a child process."""

import errno
import os
import signal
import sys
import time
from pathlib import Path

from ktrdr.errors import DataError, JobStopped, ProviderError
from ktrdr.progress import Progress
from ktrdr.schemas import Part
from ktrdr.workers.job import job_main

LONG = 3_000_000


class SampleRequest(Part):
    behaviour: str
    file: str = ""
    # What workers fill in.
    store: str = ""
    operation: str | None = None
    checkpoints: str = ""
    device: str = "auto"
    threads: int = 1
    resume: bool = False
    restart_if_unusable: bool = False


def run_sample(request: SampleRequest, progress: Progress) -> dict[str, object]:
    progress.phase("working", 3, "steps")
    progress.advance(1, "first")
    match request.behaviour:
        case "print":
            print("a library prints")
        case "data error":
            raise DataError("found a hole: expected none")
        case "provider error":
            raise ProviderError("the source is away")
        case "defect":
            raise ZeroDivisionError("division by zero")
        case "full disk":
            raise OSError(errno.ENOSPC, "No space left on device")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die with words":
            os.write(2, b"Fatal: no such kernel\n")
            os._exit(7)
        case "die first":
            if not Path(request.file).exists():
                Path(request.file).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case "long":
            return {"text": "x" * LONG, "given": len(request.file)}
        case "linger":
            Path(request.file).write_text(str(os.getpid()))
            time.sleep(60)
        case "finish when stopped":
            while not progress.should_stop():
                time.sleep(0.01)
        case "work":
            for _ in range(5):
                progress.work("bars", 100)
            progress.work("samples", 7)
        case "tell":
            return request.model_dump(mode="json")
        case "count":
            return count(request, progress)
    progress.note("noted")
    return {"answer": 42}


def count(request: SampleRequest, progress: Progress) -> dict[str, object]:
    """Count to a hundred thousand, from the checkpoint on, until asked to stop."""
    path = Path(request.checkpoints) / "counter.safetensors"
    begun_at = int(path.read_text()) if request.resume else 0
    if request.file:
        Path(request.file).write_text(str(os.getpid()))
    for number in range(begun_at, 100_000):
        if number % 10 == 9 or progress.should_stop():
            path.write_text(str(number))
            progress.checkpoint("counter", path)
        if progress.should_stop():
            raise JobStopped(f"stopped at {number}")
        progress.advance(number)
        time.sleep(0.005)
        # A resumed one has shown what it can.
        if request.resume and number - begun_at > 5:
            break
    return {"begun_at": begun_at}


if __name__ == "__main__":
    sys.exit(job_main(SampleRequest, run_sample))
