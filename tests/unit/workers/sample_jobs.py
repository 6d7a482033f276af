"""A job whose behaviour its request chooses, run by tests in a child process."""

import errno
import os
import signal
import sys
import time
from pathlib import Path

from ktrdr.errors import DataError
from ktrdr.progress import Progress
from ktrdr.schemas import Part
from ktrdr.workers.job import job_main


class SampleRequest(Part):
    behaviour: str
    file: str = ""


def run_sample(request: SampleRequest, progress: Progress) -> dict[str, object]:
    progress.phase("working", 3, "steps")
    progress.advance(1, "first")
    match request.behaviour:
        case "print":
            print("a library prints")
        case "data error":
            raise DataError("found a hole: expected none")
        case "defect":
            raise ZeroDivisionError("division by zero")
        case "full disk":
            raise OSError(errno.ENOSPC, "No space left on device")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "linger":
            Path(request.file).write_text(str(os.getpid()))
            time.sleep(60)
    progress.note("noted")
    return {"answer": 42}


if __name__ == "__main__":
    sys.exit(job_main(SampleRequest, run_sample))
