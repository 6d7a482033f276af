"""Files in a folder or a bucket, through obstore."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, from_url

from ktrdr.errors import InputError, NotFoundError, StorageError
from ktrdr.storage.files import FileEntry

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

# A server that answers nothing is given up after about a minute, all tries together.
_CONNECT_TIMEOUT = timedelta(seconds=5)
_SILENCE_TIMEOUT = timedelta(seconds=20)
# A large blob on a slow line; a stalled one ends by the timeout above.
_REQUEST_TIMEOUT = timedelta(minutes=10)
_MOST_RETRIES = 5
_RETRY_TIMEOUT = timedelta(seconds=30)
_LIST_CHUNK = 1000
_MOST_REASON = 300


class ObjectFiles:
    """Files in a folder or a bucket; see ``Files``."""

    def __init__(self, store: "ObjectStore", location: str) -> None:
        self._store = store
        self._location = location

    @classmethod
    def in_folder(cls, folder: Path) -> "ObjectFiles":
        """Return the files below ``folder``, which is created if need be."""
        with _reached(f"the artifact store in {folder}", str(folder)):
            return cls(LocalStore(prefix=folder, mkdir=True), str(folder))

    @classmethod
    def at_url(cls, url: str, *, allow_http: bool) -> "ObjectFiles":
        """Return the files below ``url``, such as ``s3://bucket/prefix``.

        Credentials and endpoint come from the usual variables, such as ``AWS_*``.
        Nothing is asked of the server yet.

        Raises
        ------
        InputError
            If the variables don't tell enough, or contradict each other.
        """
        client: ClientConfig = {
            "allow_http": allow_http,
            "connect_timeout": _CONNECT_TIMEOUT,
            "read_timeout": _SILENCE_TIMEOUT,
            "timeout": _REQUEST_TIMEOUT,
        }
        retry: RetryConfig = {
            "max_retries": _MOST_RETRIES,
            "retry_timeout": _RETRY_TIMEOUT,
        }
        try:
            store = from_url(url, client_options=client, retry_config=retry)
        except BaseError as error:
            raise InputError(f"{url} can't be used: {_reason(error)}") from None
        return cls(store, url)

    @property
    def location(self) -> str:
        """Folder or URL."""
        return self._location

    def create(self, path: str, data: bytes) -> bool:
        """Write ``data`` unless ``path`` exists; see ``Files``."""
        with self._reached(path):
            try:
                obstore.put(self._store, path, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def overwrite(self, path: str, data: bytes) -> None:
        """Write ``data``, large ones in parts; see ``Files``."""
        with self._reached(path):
            obstore.put(self._store, path, data, mode="overwrite")

    def read(self, path: str) -> bytes:
        """Return what is at ``path``."""
        with self._reached(path):
            return obstore.get(self._store, path).bytes().to_bytes()

    def read_start(self, path: str, n_bytes: int) -> bytes:
        """Return the first ``n_bytes`` of what is at ``path``."""
        try:
            with self._reached(path):
                part = obstore.get_range(self._store, path, start=0, length=n_bytes)
                return part.to_bytes()
        except StorageError:
            if self.size(path) == 0:  # Of nothing, servers give no part.
                return b""
            raise

    def size(self, path: str) -> int:
        """Return the number of bytes at ``path``."""
        with self._reached(path):
            return int(obstore.head(self._store, path)["size"])

    def list(self, folder: str) -> Iterator[FileEntry]:
        """Yield all files below ``folder``."""
        with self._reached(folder):
            stream = obstore.list(self._store, folder, chunk_size=_LIST_CHUNK)
            for chunk in stream:
                for entry in chunk:
                    yield FileEntry(
                        path=entry["path"],
                        size=entry["size"],
                        modified_at=entry["last_modified"],
                    )

    def delete(self, path: str) -> None:
        """Remove ``path``."""
        try:
            with self._reached(path):
                obstore.delete(self._store, path)
        except NotFoundError:
            pass

    @contextmanager
    def _reached(self, path: str) -> Iterator[None]:
        with _reached(f"{path} in {self._location}", self._location):
            yield


@contextmanager
def _reached(what: str, location: str) -> Iterator[None]:
    # No cause is kept: the library's own text goes on for many lines.
    try:
        yield
    except (BaseError, OSError) as error:
        raise _translated(error, what, location) from None


def _translated(
    error: Exception, what: str, location: str
) -> NotFoundError | StorageError:
    reason = _reason(error)
    if reason.startswith("NoSuchBucket"):
        return StorageError(f"there is no bucket as in {location} at this endpoint")
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{what} does not exist")
    return StorageError(f"{what} can't be read or written: {reason}")


def _reason(error: Exception) -> str:
    # A server's own words stand in a document of XML, the library's in the first
    # line; below it tells its source.
    text = str(error)
    code = re.search(r"<Code>([^<]*)</Code>", text)
    message = re.search(r"<Message>([^<]*)</Message>", text)
    if code is not None:
        told = f": {message[1]}" if message else ""
        return f"{code[1]}{told}"[:_MOST_REASON]
    first = text.partition("\n")[0].partition("<")[0]
    return re.sub(r"^Generic \w+ error: ", "", first)[:_MOST_REASON].strip()
