"""A backend that answers as a test tells it to, over real connections."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What is sent back; ``cut`` closes the connection instead, after ``body``."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


Script = Callable[[Seen], Answer]


@dataclass
class Scripted:
    """The server while it runs."""

    url: str
    seen: list[Seen]


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Run a server that answers each request by ``script``."""
    seen: list[Seen] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            asked = Seen(
                method=self.command,
                path=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self._body(),
            )
            seen.append(asked)
            answer = script(asked)
            if answer.cut and not answer.body:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            # More than comes, where the connection is to break.
            length = len(answer.body) + (1000 if answer.cut else 0)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = answer.cut

        do_GET = do_POST = do_PUT = do_DELETE = handle_one

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                return b"".join(self._chunks())
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Scripted(url=f"http://127.0.0.1:{server.server_port}", seen=seen)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def in_turn(*answers: Answer) -> Script:
    """Return a script that gives ``answers`` one after the other, the last for ever."""
    left = list(answers)

    def script(_: Seen) -> Answer:
        return left.pop(0) if len(left) > 1 else left[0]

    return script


def problem(status: int, code: str, detail: str, **more: object) -> Answer:
    """Return an answer that tells a problem."""
    document = {
        "type": f"urn:ktrdr:problem:{code}",
        "title": "No",
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": "r1",
        **more,
    }
    headers = {"Content-Type": "application/problem+json"}
    return Answer(status, json.dumps(document).encode(), headers)
