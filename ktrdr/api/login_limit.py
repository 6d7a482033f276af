"""Few failed logins a minute: guessing is hopeless, and costs us nothing either."""

import time
from collections import OrderedDict, deque

from starlette.exceptions import HTTPException

_MOST = 10
_WITHIN_S = 60.0
_MOST_CLIENTS = 10_000


class LoginLimit:
    """Counts failed logins by the address that they came from."""

    def __init__(self) -> None:
        self._failed_at_s: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, client: str) -> None:
        """Refuse whoever has failed too often of late, with status 429."""
        failed = self._failed_at_s.get(client)
        now_s = time.monotonic()
        while failed and now_s - failed[0] > _WITHIN_S:
            failed.popleft()
        if failed and len(failed) >= _MOST:
            wait_s = int(_WITHIN_S - (now_s - failed[0])) + 1
            raise HTTPException(
                429,
                f"{_MOST} logins failed within a minute; try again in {wait_s} s",
                headers={"Retry-After": str(wait_s)},
            )

    def note_failure(self, client: str) -> None:
        """Count a failed login."""
        self._failed_at_s.setdefault(client, deque(maxlen=_MOST)).append(
            time.monotonic()
        )
        self._failed_at_s.move_to_end(client)
        if len(self._failed_at_s) > _MOST_CLIENTS:
            self._failed_at_s.popitem(last=False)
