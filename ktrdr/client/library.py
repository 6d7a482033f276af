"""What the backend keeps: strategies, models and results."""

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from pydantic import TypeAdapter

from ktrdr.client.transport import Ask
from ktrdr.schemas import (
    ExplanationDocument,
    ModelDetail,
    ModelSummary,
    PredictionDocument,
    PredictRequest,
    ResultDetail,
    ResultSummary,
    StrategyDetail,
    StrategyFeatures,
    StrategySummary,
    StrategyText,
    StrategyVerdict,
    TableDocument,
    TableName,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ktrdr.client.transport import Transport

_STRATEGIES = TypeAdapter(tuple[StrategySummary, ...])
_MODELS = TypeAdapter(tuple[ModelSummary, ...])
_RESULTS = TypeAdapter(tuple[ResultSummary, ...])


class StrategiesClient:
    """Strategies in the backend's folder, and the examples."""

    def __init__(self, transport: "Transport") -> None:
        self._transport = transport

    def list(
        self, *, offset: int = 0, limit: int = 1_000
    ) -> tuple[StrategySummary, ...]:
        """Return a line about each strategy."""
        parameters = {"offset": offset, "limit": limit}
        ask = Ask(path="/strategies", parameters=parameters)
        return self._transport.read(_STRATEGIES, ask)

    def show(self, name: str) -> StrategyDetail:
        """Return a strategy, valid or not."""
        return self._transport.read(StrategyDetail, Ask(path=_path("strategies", name)))

    def validate(self, text: str) -> StrategyVerdict:
        """Return all that is wrong with a strategy, or what it comes to."""
        ask = _question("/strategies/validate", text)
        return self._transport.read(StrategyVerdict, ask)

    def features(self, text: str) -> StrategyFeatures:
        """Return the feature ids of a valid strategy."""
        ask = _question("/strategies/features", text)
        return self._transport.read(StrategyFeatures, ask)

    def save(
        self,
        name: str,
        text: str,
        *,
        replaces: str | None = None,
        overwrite: bool = False,
    ) -> StrategyDetail:
        """Save a valid strategy under its name; what is there stays unless told so.

        Parameters
        ----------
        replaces : str or None
            ``text_digest`` of the one that it may replace.
        overwrite : bool
            Replace whatever is there.
        """
        ask = Ask(
            method="PUT",
            path=_path("strategies", name),
            parameters={"overwrite": overwrite},
            headers={} if replaces is None else {"If-Match": f'"{replaces}"'},
            body=StrategyText(text=text),
            repeatable=overwrite,
        )
        return self._transport.read(StrategyDetail, ask)

    def delete(self, name: str, *, expected: str) -> None:
        """Delete a strategy of the backend's folder, if it still is that one.

        Parameters
        ----------
        expected : str
            Its ``text_digest``.
        """
        ask = Ask(
            method="DELETE",
            path=_path("strategies", name),
            headers={"If-Match": f'"{expected}"'},
        )
        self._transport.send(ask)


class ModelsClient:
    """Trained models; named by ``name``, ``name@version`` or a digest."""

    def __init__(self, transport: "Transport") -> None:
        self._transport = transport

    def list(self, *, offset: int = 0, limit: int = 1_000) -> tuple[ModelSummary, ...]:
        """Return a line about each model, by name and version."""
        ask = Ask(path="/models", parameters={"offset": offset, "limit": limit})
        return self._transport.read(_MODELS, ask)

    def show(self, model: str) -> ModelDetail:
        """Return where a model comes from and how good it is."""
        return self._transport.read(ModelDetail, Ask(path=_path("models", model)))

    def explain(
        self,
        model: str,
        *,
        symbol: str | None = None,
        at: "Sequence[str]" = (),
        last: int | None = None,
    ) -> ExplanationDocument:
        """Return why a model decided as it did at some bars."""
        ask = Ask(
            path=_path("models", model, "explain"),
            parameters={"symbol": symbol, "at": tuple(at), "last": last},
        )
        return self._transport.read(ExplanationDocument, ask)

    def predict(self, model: str, request: PredictRequest) -> PredictionDocument:
        """Return what a model says at bars, stored or sent along."""
        ask = Ask(
            method="POST",
            path=_path("models", model, "predict"),
            body=request,
            repeatable=True,
        )
        return self._transport.read(PredictionDocument, ask)

    def delete(self, model: str, *, force: bool = False) -> None:
        """List a model no more; ``force`` even if results refer to it."""
        ask = Ask(
            method="DELETE", path=_path("models", model), parameters={"force": force}
        )
        self._transport.send(ask)


class ResultsClient:
    """Results of backtests; named by digest, ``latest`` or a model."""

    def __init__(self, transport: "Transport") -> None:
        self._transport = transport

    def list(
        self, model: str | None = None, *, offset: int = 0, limit: int = 1_000
    ) -> tuple[ResultSummary, ...]:
        """Return a line about each result, oldest first."""
        parameters = {"model": model, "offset": offset, "limit": limit}
        ask = Ask(path="/results", parameters=parameters)
        return self._transport.read(_RESULTS, ask)

    def show(self, result: str = "latest") -> ResultDetail:
        """Return measures, comparisons and how far to believe them."""
        return self._transport.read(ResultDetail, Ask(path=_path("results", result)))

    def table(
        self, result: str, table: TableName, *, offset: int = 0, limit: int = 1_000
    ) -> TableDocument:
        """Return rows of one of a result's tables."""
        parameters = {"offset": offset, "limit": limit}
        ask = Ask(path=_path("results", result, table), parameters=parameters)
        return self._transport.read(TableDocument, ask)

    def report(self, result: str, form: Literal["html", "png", "json"]) -> bytes:
        """Return the report on a result: a page, a picture or numbers."""
        ask = Ask(path=_path("results", result, f"report.{form}"))
        return self._transport.send(ask).content


def _question(path: str, text: str) -> Ask:
    body = StrategyText(text=text)
    return Ask(method="POST", path=path, body=body, repeatable=True)


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="@") for part in parts)
