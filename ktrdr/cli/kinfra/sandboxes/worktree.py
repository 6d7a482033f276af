"""Worktrees of git: made for a sandbox, removed with nothing of anybody's work lost."""

import subprocess
from pathlib import Path

from ktrdr.errors import ConflictError, InputError, NotFoundError, RunError

_TOLD_FILES = 8
_OF_KTRDR = ("ktrdr/__init__.py", "deploy/images.toml")


class GitError(RunError):
    """Git could not do what it was asked; the message ends with its own."""


def repository_of(folder: Path) -> Path:
    """Return the main checkout of a folder's repository, or a bare repository itself.

    Raises
    ------
    InputError
        If it lies in none.
    """
    command = ("rev-parse", "--path-format=absolute", "--git-common-dir")
    done = _attempt(folder, *command)
    if done.returncode:
        raise InputError(
            f"{folder} lies in no git repository: sandboxes are worktrees of ktrdr's, "
            "made from inside a checkout"
        )
    found = Path(done.stdout.strip())
    return found.parent if found.name == ".git" else found


def expect_ktrdr(folder: Path) -> None:
    """Raise if a folder lies in no checkout, or in one of something else than ktrdr.

    Raises
    ------
    InputError
        Names what it lacks.
    """
    done = _attempt(folder, "rev-parse", "--show-toplevel")
    if done.returncode:
        raise InputError(
            f"{folder} lies in a git repository and in no checkout of it: sandboxes "
            "are made from inside one"
        )
    checkout = Path(done.stdout.rstrip("\n"))
    missing = [name for name in _OF_KTRDR if not (checkout / name).is_file()]
    if missing:
        raise InputError(
            f"{checkout} is no checkout of ktrdr, it lacks {' and '.join(missing)}: "
            "sandboxes are made from inside one"
        )


def add_worktree(repository: Path, folder: Path, branch: str, start: str) -> None:
    """Check out ``branch`` in ``folder``; it is made at ``start`` if it is new.

    Raises
    ------
    InputError
        If the branch can't be called so.
    ConflictError
        If the branch is checked out elsewhere.
    NotFoundError
        If there is no commit ``start``.
    GitError
        If git refuses for another reason.
    """
    if _attempt(repository, "check-ref-format", f"refs/heads/{branch}").returncode:
        raise InputError(
            f"{branch[:80]!r} can't name a branch: expected such as feature/x, without "
            "spaces"
        )
    worktrees = _git(repository, "worktree", "list", "--porcelain").splitlines()
    if f"branch refs/heads/{branch}" in worktrees:
        raise ConflictError(
            f"the branch {branch} is checked out elsewhere (`git worktree list`): name "
            f"another, or a new one that begins there with `--from {branch}`"
        )
    if _attempt(repository, "rev-parse", "--verify", f"refs/heads/{branch}").returncode:
        _need_commit(repository, start)
        _git(repository, "worktree", "add", "-b", branch, str(folder), start)
    else:
        _git(repository, "worktree", "add", str(folder), branch)


def _need_commit(repository: Path, start: str) -> None:
    asked = ("rev-parse", "--verify", "--quiet", f"{start}^{{commit}}")
    if _attempt(repository, *asked).returncode:
        raise NotFoundError(
            f"{start[:80]!r} is no branch, tag or commit of {repository}: `git branch "
            "--all` and `git tag` list those that there are"
        )


def refuse_changes(folder: Path) -> None:
    """Raise if the worktree holds what is in no commit, or commits of no branch.

    Raises
    ------
    ConflictError
        Names the files, or the commits.
    """
    changed = _git(folder, "status", "--porcelain").splitlines()
    if not changed:
        _refuse_loose_commits(folder)
        return
    named = ", ".join(line[3:] for line in changed[:_TOLD_FILES])
    more = f" and {len(changed) - _TOLD_FILES} more" if changed[_TOLD_FILES:] else ""
    raise ConflictError(
        f"{folder} holds work that is in no commit: {named}{more}; commit it, or give "
        "--force to lose it"
    )


def _refuse_loose_commits(folder: Path) -> None:
    """Raise if commits of a detached HEAD would go with the worktree."""
    if _attempt(folder, "rev-parse", "--verify", "HEAD").returncode:
        # A branch without any commit yet.
        return
    others = ("--not", "--branches", "--remotes", "--tags")
    loose = _git(folder, "rev-list", "--oneline", "HEAD", *others).splitlines()
    if loose:
        more = f" and {len(loose) - 1} more" if loose[1:] else ""
        raise ConflictError(
            f"{folder} has commits that are on no branch: {loose[0]}{more}; keep them "
            "with `git switch --create NAME` there, or give --force to lose them"
        )


def expect_worktree(folder: Path) -> None:
    """Raise if a folder is no worktree, so that git can't tell what it holds.

    Raises
    ------
    ConflictError
        Says what to do.
    """
    if not _is_worktree(folder):
        raise ConflictError(
            f"{folder} is in no repository's list of worktrees (`git worktree list`), "
            "as after that was cloned anew: save what you need of it, and give --force "
            "to lose the rest"
        )


def _is_worktree(folder: Path) -> bool:
    """Tell whether git, asked there, lists the folder itself."""
    done = _attempt(folder, "worktree", "list", "--porcelain")
    mark = "worktree "
    found = [one for one in done.stdout.splitlines() if one.startswith(mark)]
    # The first is the repository's own checkout.
    return folder.resolve() in [
        Path(one.removeprefix(mark)).resolve() for one in found[1:]
    ]


def remove_worktree(repository: Path, folder: Path) -> None:
    """Remove the worktree, whatever it holds; one that is none any more stays."""
    if _is_worktree(folder):
        # Which may have moved, and a clone of it lie where it was.
        its = repository_of(folder)
        _git(its, "worktree", "remove", "--force", "--force", str(folder))
    # Nothing depends on it, and the repository may be one no more.
    _attempt(repository, "worktree", "prune")


def remove_branch(repository: Path, branch: str) -> bool:
    """Remove a branch unless it has commits that no other has; tell if it is gone."""
    own = (
        *("rev-list", "--count", f"refs/heads/{branch}"),
        *("--not", f"--exclude={branch}", "--branches", "--remotes", "--tags"),
    )
    done = _attempt(repository, *own)
    if done.returncode:
        return True
    if int(done.stdout):
        return False
    return not _attempt(repository, "branch", "-D", branch).returncode


def _git(folder: Path, *arguments: str) -> str:
    done = _attempt(folder, *arguments)
    if done.returncode:
        raise GitError(f"`git {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout


def _attempt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InputError(
            "git is not installed, and sandboxes are its worktrees"
        ) from None
