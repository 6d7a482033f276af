"""Where an artifact store can be: a folder, or a bucket by URL."""

import ipaddress
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ktrdr.errors import InputError

if TYPE_CHECKING:
    from ktrdr.storage.files import Files

# A single letter is a drive of Windows.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_REMOTE = ("s3", "gs", "az")
_EXPECTED = (
    "expected a folder, file:///folder, s3://bucket/prefix, gs://bucket/prefix or "
    "az://container/prefix"
)
# In the order in which the S3 client heeds them.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_YES = {"1", "true", "yes", "on"}


def is_remote(location: str) -> bool:
    """Return whether ``location`` is a URL beyond this machine's disks."""
    return _scheme(location) not in ("", "file")


def open_files(location: str, *, cache: Path | None, cache_mb: int) -> "Files":
    """Return the files at ``location``; those of a remote one through a cache.

    Raises
    ------
    InputError
        If ``location`` is neither a folder nor a URL of a known kind.
    StorageError
        If its folder can't be made.
    """
    # The object store is loaded when one is opened: 16 MB that the backend's start
    # does without.
    from ktrdr.storage.cache import CachedFiles
    from ktrdr.storage.object_files import ObjectFiles

    if not is_remote(location):
        return ObjectFiles.in_folder(folder_of(location))
    _check_url(location)
    files = ObjectFiles.at_url(location, allow_http=_allows_http())
    if cache is None or cache_mb == 0:
        return files
    return CachedFiles(files, cache, most_bytes=cache_mb * 10**6)


def folder_of(location: str) -> Path:
    """Return the folder that a local ``location`` means, or raise InputError."""
    if not location.strip():
        raise InputError(f"the location of the artifact store is empty: {_EXPECTED}")
    if not _scheme(location):
        return Path(location).expanduser()
    url = urlsplit(location)
    if url.netloc not in ("", "localhost") or url.path in ("", "/"):
        raise InputError(f"{location} names no folder: expected such as file:///folder")
    return Path(unquote(url.path))


def _scheme(location: str) -> str:
    found = _SCHEME.match(location)
    return found[1].lower() if found else ""


def _check_url(location: str) -> None:
    url = urlsplit(location)
    if "@" in url.netloc:
        # Not shown, since it may hold a secret.
        raise InputError(
            "the location of the artifact store holds a user or a password; "
            "credentials belong in variables such as AWS_ACCESS_KEY_ID"
        )
    if url.scheme not in _REMOTE:
        raise InputError(f"{location} is no artifact store: {_EXPECTED}")
    if not url.netloc or url.query or url.fragment:
        raise InputError(f"{location} names no bucket and prefix: {_EXPECTED}")


def _allows_http() -> bool:
    # Without TLS everything can be read and changed on its way, so that it has to be
    # asked for, unless nothing leaves this machine.
    if os.environ.get("AWS_ALLOW_HTTP", "").lower() in _YES:
        return True
    given = [(name, os.environ[name]) for name in _ENDPOINTS if os.environ.get(name)]
    if not given:
        return False
    name, endpoint = given[0]
    url = urlsplit(endpoint)
    if url.scheme != "http":
        return False
    if _is_loopback(url.hostname or ""):
        return True
    raise InputError(
        f"{name} is not encrypted: expected https://, or http:// on this machine's "
        "loopback; AWS_ALLOW_HTTP=true allows it all the same"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
