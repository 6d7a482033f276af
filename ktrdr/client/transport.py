"""Requests to the backend: sent, repeated where that is safe, and read."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from ktrdr.client.problems import error_of
from ktrdr.errors import BackendError, IncompatibleError, InputError
from ktrdr.tracing import current_traceparent, span

AnswerT = TypeVar("AnswerT")
Parameters = Mapping[str, str | int | float | bool | Sequence[str] | None]
# What a request may carry: a JSON document, or bytes, at once or bit by bit.
Body = BaseModel | bytes | Iterator[bytes] | None

_API = "/api/v1"
_CONNECT_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
# Who stands in front of the backend answers so while it starts again.
_PASSING_STATUSES = frozenset({502, 503, 504})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request.

    Attributes
    ----------
    parameters : mapping
        Of the query; those that are None are left out.
    key : str or None
        Idempotency key, with which a repetition does nothing more.
    repeatable : bool
        Doing it twice is as good as once, though its method does not say so.
    also_fine : int or None
        A status that is an answer too, not an error.
    silence_s : float or None
        Longest silence while its answer is awaited, if not as always.
    """

    path: str
    method: str = "GET"
    parameters: Parameters = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = None
    key: str | None = None
    repeatable: bool = False
    also_fine: int | None = None
    silence_s: float | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again when nobody knows if it arrived."""
        is_safe = self.method == "GET" or self.repeatable or self.key is not None
        # What comes bit by bit is spent once it was sent.
        return is_safe and (
            self.body is None or isinstance(self.body, BaseModel | bytes)
        )


class Transport:
    """One backend, asked over one pool of connections.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:8000``.
    token : str or None
    timeout_s : float
        Longest silence while an answer is awaited.
    patience_s : float
        For how long a request that may safely be repeated is tried again when a
        backend does not answer that has answered before.
    first_patience_s : float
        The same of one that has not: more likely it is not there at all.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        timeout_s: float,
        patience_s: float,
        first_patience_s: float,
    ) -> None:
        self.url = _checked(url)
        self._patience_s = patience_s
        self._first_patience_s = first_patience_s
        self._timeout_s = timeout_s
        self._has_answered = False
        self._client = httpx.Client(
            base_url=self.url + _API,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            # Certificates take 30 ms to load; and no proxy reaches this machine.
            verify=self.url.startswith("https:"),
            trust_env=httpx.URL(self.url).host not in _LOOPBACK,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read(self, form: "type[AnswerT] | TypeAdapter[AnswerT]", ask: Ask) -> AnswerT:
        """Return the backend's answer as a ``form``.

        Raises
        ------
        KtrdrError
            What the backend says; BackendError if it can't be reached, and
            IncompatibleError if it can't be understood.
        """
        response = self.send(ask)
        return parsed(form, response.content, f"{ask.method} {response.url}")

    def send(self, ask: Ask) -> httpx.Response:
        """Return the backend's answer, read."""
        about = {"http.request.method": ask.method, "url.path": _API + ask.path}
        with span(ask.method, "client", about):
            return self._sent(ask)

    def _sent(self, ask: Ask) -> httpx.Response:
        request = self._request(ask)
        for pause_s in self._pauses() if ask.may_repeat else (None,):
            try:
                response = self._client.send(request)
            except httpx.TransportError as error:
                if pause_s is None:
                    raise self._unreachable(error) from error
            else:
                self._has_answered = True
                if response.status_code == ask.also_fine:
                    return response
                if pause_s is None or response.status_code not in _PASSING_STATUSES:
                    return _require_success(response)
            time.sleep(pause_s)
        raise RuntimeError("the last try returns or raises")

    @contextmanager
    def stream(
        self, path: str, *, headers: Mapping[str, str], silence_s: float
    ) -> Iterator[httpx.Response]:
        """Open an answer that comes bit by bit, at most ``silence_s`` apart.

        A connection that breaks leaves as httpx.TransportError.
        """
        timeout = httpx.Timeout(silence_s, connect=_CONNECT_TIMEOUT_S)
        with self._client.stream(
            "GET", path, headers={**headers, **_trace_headers()}, timeout=timeout
        ) as response:
            self._has_answered = True
            if not response.is_success:
                response.read()
            yield _require_success(response)

    def _pauses(self) -> Iterator[float | None]:
        """Yield how long to wait before each further try; None before giving up."""
        patience_s = self._patience_s if self._has_answered else self._first_patience_s
        deadline_s = time.monotonic() + patience_s
        pause_s = _FIRST_PAUSE_S
        while time.monotonic() + pause_s < deadline_s:
            yield pause_s
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        yield None

    def _unreachable(self, reason: object) -> BackendError:
        """Return the error that tells that nobody answers."""
        return BackendError(
            f"the backend at {self.url} can't be reached: {reason}; start one on this "
            "machine with `ktrdr up`, or correct --url or KTRDR_API_URL"
        )

    def _request(self, ask: Ask) -> httpx.Request:
        headers = {**ask.headers, **_trace_headers()}
        if ask.key is not None:
            headers["Idempotency-Key"] = ask.key
        body = ask.body
        if isinstance(body, BaseModel):
            headers["Content-Type"] = "application/json"
            body = body.model_dump_json(by_alias=True).encode()
        parameters = {
            name: value for name, value in ask.parameters.items() if value is not None
        }
        silence_s = ask.silence_s or self._timeout_s
        return self._client.build_request(
            ask.method,
            ask.path,
            params=parameters,
            headers=headers,
            content=body,
            timeout=httpx.Timeout(silence_s, connect=_CONNECT_TIMEOUT_S),
        )


def _trace_headers() -> dict[str, str]:
    here = current_traceparent()
    return {} if here is None else {"traceparent": here}


def parsed(
    form: "type[AnswerT] | TypeAdapter[AnswerT]", data: bytes, asked: str
) -> AnswerT:
    """Return ``data`` as a ``form``, or raise IncompatibleError.

    Fields that only a newer backend knows are left out.
    """
    adapter = form if isinstance(form, TypeAdapter) else TypeAdapter(form)
    try:
        return adapter.validate_json(data, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise IncompatibleError(
            f"{asked} gave an answer that this ktrdr can't read: {where}: "
            f"{first['msg']}; is the backend of another release? `ktrdr status` tells"
        ) from None


def _checked(url: str) -> str:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InputError(f"not a URL: {url[:200]!r}: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.host:
        raise InputError(
            f"not the URL of a backend: {url[:200]!r}; expected such as "
            "http://127.0.0.1:8000"
        )
    return url.rstrip("/")


def _require_success(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    raise error_of(response)
