"""Training: labels, split, fit, measures and a stored model, in one call."""

from ktrdr.training.dataset import Dataset, PartSamples, make_dataset
from ktrdr.training.evaluate import classification_measures, regression_measures
from ktrdr.training.labels import Labels, make_labels
from ktrdr.training.run import TrainingOutcome, train
from ktrdr.training.split import Split, make_split
from ktrdr.training.verdict import Verdict, judge

__all__ = [
    "Dataset",
    "Labels",
    "PartSamples",
    "Split",
    "TrainingOutcome",
    "Verdict",
    "classification_measures",
    "judge",
    "make_dataset",
    "make_labels",
    "make_split",
    "regression_measures",
    "train",
]
