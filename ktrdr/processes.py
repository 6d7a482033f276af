"""Which processes there are on this machine."""

import os


def is_alive(pid: int) -> bool:
    """Tell whether a process has the number ``pid``, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
