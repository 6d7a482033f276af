"""How fast a phase goes."""

import time
from collections import deque

# The rate of the last steps says more about what is left than that of all.
_N_STEPS = 20


class Rate:
    """Units per second over the last steps of a phase.

    A phase that goes on from a checkpoint begins in the middle, so its start is no
    measure: the first step is where counting begins.
    """

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque(maxlen=_N_STEPS)

    def observe(self, done: int, at_s: float | None = None) -> None:
        """Note that ``done`` units are finished, now or at ``at_s``."""
        if not self._steps or self._steps[-1][1] != done:
            self._steps.append((time.monotonic() if at_s is None else at_s, done))

    def per_second(self) -> float | None:
        """Return the rate; None while there is too little to tell it."""
        if len(self._steps) < 2:
            return None
        (begin_s, begin), (end_s, end) = self._steps[0], self._steps[-1]
        return (end - begin) / (end_s - begin_s) if end_s > begin_s else None
