"""As whom PostgreSQL runs, which refuses to run as root.

- A user runs it as that user.
- Root runs it in a namespace of its own in which it has another name. Files stay
  root's, so that no permission of any folder has to change. So does a user without
  a name, as in a container that was given a bare number.
- Where root may not make namespaces, it runs as an account without rights, which
  needs a folder that it can reach.
- Root in a user's folder runs it as that user.
"""

import os
import pwd
from pathlib import Path

from ktrdr.database.embedded.launching import Identity, run_as
from ktrdr.errors import DatabaseError

_NOBODY = 65534
# The first of them that exists.
_ACCOUNTS = ("ktrdr", "postgres", "nobody")


def choose_identity(cluster: Path, *, avoid_namespace: bool = False) -> Identity:
    """Return as whom to run on ``cluster``, which need not exist yet.

    Raises
    ------
    DatabaseError
        If there is no way that the system permits.
    """
    if os.geteuid() != 0:
        return _identity_of_user()
    is_new = not cluster.exists()
    about = (cluster.parent if is_new else cluster).stat()
    if about.st_uid != 0 and (has_name(about.st_uid) or not is_new):
        return Identity(kind="account", uid=about.st_uid, gid=about.st_gid)
    namespace = _in_namespace()
    # Within it, root passes by the permissions alone.
    if not avoid_namespace and can_reach(cluster, namespace) and _works(namespace):
        return namespace
    return _an_account()


def _identity_of_user() -> Identity:
    # initdb asks for a name.
    if not has_name(os.geteuid()) and _works(_in_namespace()):
        return _in_namespace()
    return Identity(kind="same", uid=os.geteuid(), gid=os.getegid())


def _in_namespace() -> Identity:
    named = sorted(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid > 0)
    uid = _NOBODY if _NOBODY in named or not named else named[0]
    return Identity(kind="namespace", uid=uid, gid=uid)


def _works(identity: Identity) -> bool:
    return run_as(identity, Path("/bin/sh"), "-c", "exit 0").returncode == 0


def has_name(uid: int) -> bool:
    """Return whether the system knows a name for the user ``uid``."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _an_account() -> Identity:
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(kind="account", uid=entry.pw_uid, gid=entry.pw_gid)
    raise DatabaseError(
        "PostgreSQL does not run as root, and there is neither a way to a namespace "
        f"of users nor one of the accounts {', '.join(_ACCOUNTS)}: run ktrdr as "
        "another user, make the account ktrdr, or set KTRDR_DATABASE_URL"
    )


def can_reach(path: Path, identity: Identity) -> bool:
    """Return whether all folders above ``path`` let ``identity`` pass."""
    return all(_lets_pass(folder, identity) for folder in path.resolve().parents)


def _lets_pass(folder: Path, identity: Identity) -> bool:
    about, (uid, gid) = folder.stat(), identity.owner
    if about.st_uid == uid:
        return bool(about.st_mode & 0o100)
    if about.st_gid == gid:
        return bool(about.st_mode & 0o010)
    return bool(about.st_mode & 0o001)
