"""Start an environment: schema, token, services, and a gate that waits for them."""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ktrdr.cli.kinfra.compose import Compose, Container
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.environments.free_ports import need_ports
from ktrdr.cli.kinfra.environments.secret_files import (
    keep_token,
    kept_token,
    make_secrets,
)
from ktrdr.errors import KtrdrError, NotFoundError, RunError
from ktrdr.progress import NoProgress, Progress

# Longer than any image takes on a slow disk.
_READY_WITHIN_S = 240.0
_PAUSE_S = 0.5
_TOLD_LINES = 12
# A worker that finds no database ends once or twice while that starts.
_MOST_RESTARTS = 3
_OURS = "ktrdr-"
# What compose tells of things that go as they should.
_PROGRESS = re.compile(r"\s*(Container|Network|Volume)\s+\S+\s+(?!Error)\w+\s*")


class StartError(RunError):
    """An environment did not start; tells which service and what it said."""


def start(
    environment: Environment,
    names: Sequence[str] = ("database-password",),
    *,
    progress: Progress | None = None,
    within_s: float = _READY_WITHIN_S,
    settle: Callable[[], None] = lambda: None,
) -> str:
    """Start everything, and return the backend's URL once all of it is well.

    Parameters
    ----------
    environment : Environment
    names : sequence of str
        Secrets that are made if they are not there.
    progress : Progress or None
    within_s : float
        Longest time until all are well.
    settle : callable
        Called once nothing is missing, right before the first container is made.

    Raises
    ------
    ConflictError
        If another program has a port that it needs.
    NotFoundError
        If an image is not here and is none that can be pulled.
    StartError
        If a service does not become well; nothing is stopped, to be looked at.
    """
    heard, compose = progress or NoProgress(), environment.compose
    need_ports(compose)
    heard.phase("images")
    need_images(compose)
    make_secrets(environment.secrets, names)
    settle()
    heard.phase("database and schema")
    _do(compose, "migrate", lambda: compose.job("migrate", dependencies=True))
    _need_token(environment)
    heard.phase("services")
    done = compose.up()
    if done.code:
        raise _failure(compose, compose.containers(), (done.err or done.out).strip())
    await_health(compose, within_s=within_s)
    heard.phase("workers")
    return _await_workers(environment, within_s)


def need_images(compose: Compose) -> None:
    """Make sure that the project's host has all images; pull those of a registry.

    Raises
    ------
    NotFoundError
        If one that is built, not pulled, is not there.
    """
    missing = sorted(
        {one for one in compose.images().values() if not compose.has_image(one)}
    )
    built_here = [one for one in missing if one.startswith(_OURS)]
    if built_here:
        where = compose.project.context
        raise NotFoundError(
            f"{compose.engine.name}{f' on {where}' if where else ''} has no image "
            f"{' and '.join(built_here)}: build with `kinfra images build` or `make "
            "images`"
        )
    for reference in missing:
        compose.pull_image(reference, _named_by(compose))


def _named_by(compose: Compose) -> str:
    project = compose.project
    names = "KTRDR_BACKEND_IMAGE, KTRDR_WORKER_IMAGE or KTRDR_POSTGRES_IMAGE"
    if project.variables is not None:
        return f"{names} in {project.variables}"
    return f"{names} in the shell or {project.folder / '.env'}"


def await_health(compose: Compose, *, within_s: float) -> None:
    """Wait until each service is well, and each job has ended well.

    Raises
    ------
    StartError
        As soon as one can't become well any more, or when the time is over.
    """
    deadline_s = time.monotonic() + within_s
    while True:
        containers = compose.containers()
        waiting = [one for one in containers if not _is_settled(one)]
        if containers and not waiting:
            return
        lost = [one for one in waiting if _is_lost(one)]
        if lost or time.monotonic() > deadline_s:
            late = ", ".join(dict.fromkeys(one.service for one in waiting))
            why = f"not well within {within_s:.0f} s: {late}"
            raise _failure(compose, lost or waiting, "" if lost else why)
        time.sleep(_PAUSE_S)


def _is_settled(one: Container) -> bool:
    # What was stopped and is still so is no longer in the files: all else is started.
    return one.is_well or one.has_ended_well


def _is_lost(one: Container) -> bool:
    has_failed = one.state in ("exited", "dead") and one.exit_code != 0
    return has_failed or one.health == "unhealthy" or one.restarts > _MOST_RESTARTS


def _failure(compose: Compose, containers: Sequence[Container], why: str) -> StartError:
    # One that was created and never started waited for another, and said nothing.
    failed = [
        one for one in containers if not (_is_settled(one) or one.state == "created")
    ]
    stories = []
    for service in dict.fromkeys(one.service for one in failed):
        one = next(one for one in failed if one.service == service)
        health = f", {one.health}" if one.health else ""
        code = f", exit code {one.exit_code}" if one.exit_code else ""
        log = compose.logs(service, _TOLD_LINES)
        stories.append(
            f"{service} is {one.state}{health}{code}; its last words:\n{log}"
        )
    ends = [line for line in why.splitlines() if not _PROGRESS.fullmatch(line)]
    told = "\n".join([*stories, *ends])
    return StartError(f"{compose.project.name} did not start: {told}")


def _do(compose: Compose, service: str, work: Callable[[], str]) -> str:
    try:
        return work()
    except KtrdrError as error:
        raise _failure(compose, compose.containers(), f"{service}: {error}") from None


def _need_token(environment: Environment) -> None:
    # Beyond its own loopback the backend starts only where there is a token, and
    # from outside its container every request comes from beyond.
    compose, kept = environment.compose, kept_token(environment.secrets)
    if kept is not None:
        known = _do(
            compose, "tokens", lambda: compose.job("migrate", *_AUTH, "list", "--json")
        )
        # A database that was restored has the tokens of its own time alone.
        if any(_is_valid(one) and _is_of(kept, one["id"]) for one in json.loads(known)):
            return
    name = f"kinfra-{secrets.token_hex(4)}"
    create = (*_AUTH, "create", name, "--role", "admin", "--json")
    made = _do(compose, "tokens", lambda: compose.job("migrate", *create))
    keep_token(environment.secrets, json.loads(made)["token"])


_AUTH = ("ktrdr", "auth")


def _is_of(token: str, identifier: str) -> bool:
    return token.startswith(f"ktrdr_{identifier}_")


def _is_valid(known: Mapping[str, str | None]) -> bool:
    end = known.get("expires_at")
    is_over = end is not None and datetime.fromisoformat(end) <= datetime.now(UTC)
    return known.get("revoked_at") is None and not is_over


def _await_workers(environment: Environment, within_s: float) -> str:
    containers = environment.compose.containers()
    # A job such as the one that makes the workers' role has ended by now.
    wanted = sum("worker" in one.service for one in containers if one.is_well)
    deadline_s = time.monotonic() + within_s
    with environment.client() as client:
        while True:
            states = [one.state for one in client.system.workers()]
            if client.system.ready().status == "ready" and (
                states.count("ready") >= wanted
            ):
                return client.url
            if time.monotonic() > deadline_s:
                raise StartError(
                    f"{environment.name} runs {wanted} workers and its backend knows "
                    f"{states.count('ready')} that are ready: "
                    f"`{environment.call('logs')}` tells what they say"
                )
            time.sleep(_PAUSE_S)
