"""A registry on this machine that gives images which the engine has saved."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from ktrdr.cli.kinfra.images.engine import Engine


class Registry:
    """Answers what a pull asks, over HTTP, which engines take from loopback.

    Attributes
    ----------
    address : str
        Such as ``127.0.0.1:40001``.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._digests: dict[tuple[str, str], str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator["Registry"]:
        thread = Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def add(self, reference: str, name: str, tag: str) -> str:
        """Take in an image that the engine has, and return its digest."""
        self.add_tags(name, {tag: reference})
        return self._digests[name, tag]

    def add_tags(self, name: str, references: Mapping[str, str]) -> None:
        """Take in images by tag at once: layers that they share are saved once."""
        archive = self._folder / "saved.tar"
        self._engine.run("save", "--output", str(archive), *references.values())
        with tarfile.open(archive) as saved:
            saved.extractall(self._folder, filter="data")
        archive.unlink()
        index = json.loads((self._folder / "index.json").read_text())
        digests = {
            one["annotations"]["io.containerd.image.name"]: str(one["digest"])
            for one in index["manifests"]
        }
        for tag, reference in references.items():
            (found,) = (
                digest
                for full, digest in digests.items()
                if full == reference or full.endswith(f"/{reference}")
            )
            self._digests[name, tag] = found

    def blob(self, path: str) -> tuple[str, Path] | None:
        """Return type and file of what ``/v2/NAME/manifests|blobs/WHICH`` names."""
        name, kind, which = path.removeprefix("/v2/").rsplit("/", 2)
        digest = self._digests.get((name, which), which)
        file = self._folder / "blobs" / Path(digest.replace(":", "/"))
        if not digest.startswith("sha256:") or not file.is_file():
            return None
        if kind == "blobs":
            return "application/octet-stream", file
        return str(json.loads(file.read_text())["mediaType"]), file


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.strip("/") == "v2":
                self._answer(200, "application/json", b"{}")
                return
            found = registry.blob(self.path)
            if found is None:
                self._answer(404, "application/json", b'{"errors": []}')
                return
            kind, file = found
            self._answer(200, kind, file.read_bytes(), f"sha256:{file.name}")

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

        def _answer(
            self, status: int, kind: str, body: bytes, digest: str | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if digest is not None:
                self.send_header("Docker-Content-Digest", digest)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    return Handler
