"""What has to come to its end, whoever asks the command to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# An interrupt, an end of the system's, a terminal that closes.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undisturbed(tell: Callable[[], None]) -> Iterator[None]:
    """Go on at signals that would end the command; ``tell`` is called instead."""
    # Only the first thread gets signals.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        # What is ignored, as by nohup, stays so.
        one: signal.getsignal(one)
        for one in _SIGNALS
        if signal.getsignal(one) is not signal.SIG_IGN
    }
    for one in before:
        signal.signal(one, lambda number, frame: tell())
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
