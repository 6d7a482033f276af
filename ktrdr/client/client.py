"""The backend as an object: one method for each of its routes."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ktrdr.client.data import DataClient, IndicatorsClient
from ktrdr.client.library import ModelsClient, ResultsClient, StrategiesClient
from ktrdr.client.operations import OperationsClient
from ktrdr.client.system import SystemClient
from ktrdr.client.transport import Transport

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore


class Client:
    """One backend.

    Every method raises the error of ``ktrdr.errors`` that the backend tells of, and
    BackendError when the backend can't be reached.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:8000``.
    token : str or None
        Shown to the backend; none is needed on the backend's own machine, unless it
        has tokens.
    timeout_s : float
        Longest silence while an answer is awaited.
    patience_s : float
        For how long what may safely be repeated is tried again when a backend that
        has answered before does not.
    first_patience_s : float
        The same of one that has not answered yet.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout_s: float = 30.0,
        patience_s: float = 20.0,
        first_patience_s: float = 1.0,
    ) -> None:
        self._transport = Transport(
            url,
            token,
            timeout_s=timeout_s,
            patience_s=patience_s,
            first_patience_s=first_patience_s,
        )
        self.operations = OperationsClient(self._transport)
        self.system = SystemClient(self._transport)
        self.data = DataClient(self._transport)
        self.indicators = IndicatorsClient(self._transport)
        self.strategies = StrategiesClient(self._transport)
        self.models = ModelsClient(self._transport)
        self.results = ResultsClient(self._transport)

    @property
    def url(self) -> str:
        """Where the backend is."""
        return self._transport.url

    def artifacts(self, cache: Path, *, cache_mb: int = 2048) -> "ArtifactStore":
        """Return the backend's artifact store, to read; ``cache`` keeps its blobs."""
        from ktrdr.client.artifacts import artifacts_over_http

        return artifacts_over_http(self._transport, cache=cache, cache_mb=cache_mb)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
