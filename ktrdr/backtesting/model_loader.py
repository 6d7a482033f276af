"""A trained model, ready to decide; nothing here needs what trained it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ktrdr.data import Bars, Timeframe
from ktrdr.features import FeatureMatrix, compute_features
from ktrdr.models import Bundle, Predictor, find_model, load_bundle, predictor_of
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import Strategy


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedModel:
    """A model bundle with the predictor of its network."""

    bundle: Bundle
    predictor: Predictor

    @property
    def strategy(self) -> Strategy:
        """The strategy that the model was trained for."""
        return self.bundle.strategy

    def features(self, bars: Mapping[Timeframe, Bars]) -> FeatureMatrix:
        """Return what the network sees at the close of every base bar.

        Parameters
        ----------
        bars : mapping of Timeframe to Bars
            One symbol's bars in each of the strategy's timeframes, with what lies
            before the bars of interest as warm-up.
        """
        return compute_features(self.strategy, bars, self.bundle.fitted)


def load_model(store: ArtifactStore, text: str) -> LoadedModel:
    """Return the model that ``text`` names, checked throughout.

    Parameters
    ----------
    store : ArtifactStore
        Holds the bundle.
    text : str
        ``name``, ``name@version``, or the manifest's digest or its first digits.

    Raises
    ------
    NotFoundError
        If there is no such model.
    BundleError
        If it is damaged, or today's features are not those it was trained on.
    """
    bundle = load_bundle(store, find_model(store, text).digest)
    return LoadedModel(bundle=bundle, predictor=predictor_of(bundle))
