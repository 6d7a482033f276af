"""What commands in an image answer as JSON, as far as the checks read it."""

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    # There is more in each, which is none of the checks' business.
    model_config = ConfigDict(frozen=True)


class SchemaAnswer(_Answer):
    """Of ``ktrdr db upgrade``."""

    applied: list[object]
    version: str | int = Field(alias="schema")


class TokenAnswer(_Answer):
    """Of ``ktrdr auth create``."""

    token: str


class _TestMetrics(_Answer):
    loss: float


class _TestPart(_Answer):
    model: _TestMetrics


class _Metrics(_Answer):
    test: _TestPart


class TrainingAnswer(_Answer):
    """Of ``ktrdr train``."""

    n_epochs: int
    metrics: _Metrics
    weights: str

    @property
    def test_loss(self) -> float:
        """The model's loss on the test part."""
        return self.metrics.test.model.loss


class _Count(_Answer):
    value: float


class _Measures(_Answer):
    n_trades: _Count


class _Manifest(_Answer):
    measures: _Measures


class BacktestAnswer(_Answer):
    """Of ``ktrdr backtest``."""

    digest: str
    manifest: _Manifest

    @property
    def n_trades(self) -> float:
        """How many trades it made."""
        return self.manifest.measures.n_trades.value
