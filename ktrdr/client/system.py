"""How the backend is: health, builds, workers, and who may use it."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from ktrdr.client.transport import Ask
from ktrdr.schemas import (
    BuildsDocument,
    LiveDocument,
    NewTokenDocument,
    OperationDocument,
    ProbesDocument,
    ProbesStart,
    ReadyDocument,
    TokenDocument,
    TokenList,
    TokenStart,
    UserDocument,
    WorkerDocument,
    WorkerList,
)

if TYPE_CHECKING:
    from ktrdr.client.transport import Transport


class SystemClient:
    """Health, builds, workers and tokens."""

    def __init__(self, transport: "Transport") -> None:
        self._transport = transport

    def live(self) -> LiveDocument:
        """Return that the backend answers."""
        return self._transport.read(LiveDocument, Ask(path="/health/live"))

    def ready(self) -> ReadyDocument:
        """Return whether the backend can do its work, and what it lacks."""
        ask = Ask(path="/health/ready", also_fine=503)
        return self._transport.read(ReadyDocument, ask)

    def builds(self) -> BuildsDocument:
        """Return the builds of the backend and its workers."""
        return self._transport.read(BuildsDocument, Ask(path="/build"))

    def workers(self) -> tuple[WorkerDocument, ...]:
        """Return the workers that have registered."""
        return self._transport.read(WorkerList, Ask(path="/workers")).items

    def probe(self, start: ProbesStart) -> tuple[OperationDocument, ...]:
        """Put operations into a queue that do nothing, to measure and check it."""
        ask = Ask(method="POST", path="/probes", body=start)
        return self._transport.read(ProbesDocument, ask).items

    def user(self) -> UserDocument:
        """Return who one is to the backend."""
        return self._transport.read(UserDocument, Ask(path="/session"))

    def tokens(self) -> tuple[TokenDocument, ...]:
        """Return all tokens, without their secrets."""
        return self._transport.read(TokenList, Ask(path="/tokens")).items

    def create_token(self, start: TokenStart) -> NewTokenDocument:
        """Make a token; it is told this once."""
        ask = Ask(method="POST", path="/tokens", body=start)
        return self._transport.read(NewTokenDocument, ask)

    def revoke_token(self, token: str) -> TokenDocument:
        """Make a token, named by id or name, invalid at once."""
        path = f"/tokens/{quote(token, safe='')}"
        ask = Ask(method="DELETE", path=path, repeatable=True)
        return self._transport.read(TokenDocument, ask)
