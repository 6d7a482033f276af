"""Start one program of PostgreSQL as somebody who is not root; run as a script.

Called as ``python -I -S launch.py SPECIFICATION`` with one JSON object, and written
without any import of ktrdr, so that a start costs 20 ms. The fields are those of
``Launch`` in ``launching.py``. What it locks stays locked for as long as the program
or one of its children lives, whatever kills them.
"""

import ctypes
import fcntl
import json
import os
import signal
import sys

# Exit code that tells that the system does not permit user namespaces.
NO_NAMESPACE = 97
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def _enter_namespace(uid: int, gid: int) -> None:
    """Go by another id in a namespace of one user, while files stay root's."""
    outside_uid, outside_gid = os.geteuid(), os.getegid()
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    if unshare is None or unshare(_CLONE_NEWUSER) != 0:
        sys.exit(NO_NAMESPACE)
    try:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {outside_uid} 1")
        _write("/proc/self/gid_map", f"{gid} {outside_gid} 1")
    except OSError:
        sys.exit(NO_NAMESPACE)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _detach() -> None:
    """Leave the terminal and the parent, neither of which may end the program."""
    if os.fork():
        os._exit(0)
    os.setsid()


def _end_with_parent(parent: int) -> None:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Do what the specification says, then become the program."""
    what = json.loads(sys.argv[1])
    if what["lock"]:
        held = os.open(what["lock"], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        os.set_inheritable(held, True)
    if what["log"]:
        log = os.open(what["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if what["identity"] == "account":
            os.fchown(log, what["uid"], what["gid"])
        os.dup2(log, 1)
        os.dup2(log, 2)
    if what["parent"]:
        os.setsid()
    elif what["detach"]:
        _detach()
    os.umask(0o077)
    os.chdir("/")
    if what["identity"] == "namespace":
        _enter_namespace(what["uid"], what["gid"])
    elif what["identity"] == "account":
        _become(what["uid"], what["gid"])
    if what["parent"]:
        _end_with_parent(what["parent"])
    os.execv(what["program"], [what["program"], *what["arguments"]])


if __name__ == "__main__":
    main()
