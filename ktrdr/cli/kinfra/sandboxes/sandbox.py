"""Sandboxes: made with a slot and a worktree, destroyed without a trace."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.environments.registry import (
    LOCAL_PROD,
    Entry,
    entries,
    find_entry,
    need_folder,
    project_of,
    release,
    reserve,
)
from ktrdr.cli.kinfra.environments.template import (
    templated,
    without_folder,
    write_variables,
)
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.references import expect_reference
from ktrdr.cli.kinfra.sandboxes.worktree import (
    add_worktree,
    expect_ktrdr,
    expect_worktree,
    refuse_changes,
    remove_branch,
    remove_worktree,
    repository_of,
)
from ktrdr.errors import ConflictError, InputError

_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
# Others whose folders lie beside those of sandboxes.
_RESERVED = (LOCAL_PROD, "deployments")


def sandboxes() -> list[Entry]:
    """Return all sandboxes in the order of their slots."""
    return [one for one in entries() if one.name != LOCAL_PROD]


def find_sandbox(name: str) -> Entry:
    """Return the sandbox of that name.

    Raises
    ------
    InputError, NotFoundError
        If there is none; names those that there are.
    """
    if name == LOCAL_PROD:
        raise InputError(f"{name} is no sandbox: use the commands of `kinfra {name}`")
    return find_entry(name)


def create(
    name: str,
    *,
    branch: str | None = None,
    start: str = "HEAD",
    slot: int | None = None,
    images: Mapping[str, str] | None = None,
) -> Entry:
    """Make a sandbox of the repository that the current folder lies in.

    Parameters
    ----------
    name : str
    branch : str or None
        Which its worktree has checked out, by default ``sandbox/NAME``.
    start : str
        Where a branch that is new begins.
    slot : int or None
        By default the first from 1 on that is free.
    images : mapping or None
        Variables of images other than the template's; with any, ktrdr runs from the
        images instead of the worktree.

    Raises
    ------
    InputError, ConflictError, GitError
        If it can't be made; nothing of it is left then.
    """
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise InputError(
            f"{name[:80]!r} can't name a sandbox: expected up to 30 small letters, "
            f"digits and hyphens that begin with a letter, other than "
            f"{' and '.join(_RESERVED)}"
        )
    for reference in (images or {}).values():
        expect_reference(reference)
    repository = repository_of(Path.cwd())
    expect_ktrdr(Path.cwd())
    branch = branch or f"sandbox/{name}"
    entry = reserve(name, slot, repository=str(repository), branch=branch)
    _make_folder(entry)
    try:
        add_worktree(repository, entry.source, branch, start)
        source = {"KTRDR_SOURCE": "" if images else str(entry.source)}
        write_variables(entry.folder, entry.slot, {**source, **(images or {})})
    except BaseException:
        _forget(entry)
        raise
    return entry


def _make_folder(entry: Entry) -> None:
    """Make its folder; one that is there already is somebody's and stays."""
    try:
        entry.folder.mkdir(parents=True)
    except FileExistsError:
        release(entry.name)
        raise ConflictError(
            f"{entry.folder} exists and belongs to no sandbox that is known: move "
            "away what you need of it and delete it, or name another sandbox"
        ) from None
    except OSError:
        release(entry.name)
        raise


def environment_of(entry: Entry, engine: Engine) -> Environment:
    """Return the environment of a sandbox.

    Raises
    ------
    NotFoundError
        If its folder was deleted.
    """
    need_folder(entry)
    command = f"kinfra sandbox ... {entry.name}"
    return templated(engine, entry.folder, _project(entry), command)


def _project(entry: Entry) -> str:
    return project_of(f"sandbox-{entry.name}")


def destroy(entry: Entry, engine: Engine, *, force: bool = False) -> bool:
    """Remove containers, volumes, networks, worktree, secrets, slot and branch.

    Parameters
    ----------
    entry : Entry
    engine : Engine
    force : bool
        Whether work that is in no commit may be lost.

    Returns
    -------
    bool
        Whether the branch is gone too; it stays if it has commits of its own.

    Raises
    ------
    ConflictError
        If there is work that is in no commit, or git can't tell.
    """
    if entry.source.exists() and not force:
        expect_worktree(entry.source)
        refuse_changes(entry.source)
    if entry.is_broken:
        # Its containers need no folder to live on.
        compose = without_folder(engine, _project(entry))
    else:
        compose = environment_of(entry, engine).compose
    compose.down(with_data=True)
    return _forget(entry)


def _forget(entry: Entry) -> bool:
    is_gone = True
    if entry.repository is not None and Path(entry.repository).exists():
        repository = Path(entry.repository)
        remove_worktree(repository, entry.source)
        if entry.branch is not None and entry.branch == f"sandbox/{entry.name}":
            is_gone = remove_branch(repository, entry.branch)
    shutil.rmtree(entry.folder, ignore_errors=True)
    release(entry.name)
    return is_gone
