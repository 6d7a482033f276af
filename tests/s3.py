"""A real S3 server on loopback, for tests."""

import itertools
import logging
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps

import pytest

SECRET = "wJalrXUtnFEMI"
_BUCKETS = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A running server."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def new_bucket(self) -> str:
        """Make a bucket and return the URL of a prefix in it."""
        name = f"ktrdr-{os.getpid()}-{next(_BUCKETS)}"
        made = urllib.request.Request(f"{self.url}/{name}", method="PUT")
        # Whatever proxy the environment names, it does not lead here.
        plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        plain.open(made).close()
        return f"s3://{name}/a/prefix"


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Run a server on a free port."""
    from moto.s3.responses import S3Response
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Response, "put_object", _one_at_a_time(S3Response.put_object))
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield S3Server(url=f"http://{host}:{port}")
        finally:
            server.stop()


def set_s3_environment(patch: pytest.MonkeyPatch, server: S3Server) -> None:
    """Let this process reach ``server`` and nothing else that S3 may mean."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in server.environment.items():
        patch.setenv(name, value)


def _one_at_a_time(put):
    # This server looks whether an object exists and then writes it, in two steps; S3
    # itself does both at once.
    lock = threading.Lock()

    @wraps(put)
    def locked(*arguments, **named):
        with lock:
            return put(*arguments, **named)

    return locked
