"""Trained models: bundles, predictors without torch, decisions, explanations."""

from ktrdr.models.attribution import contributions
from ktrdr.models.bundle import (
    Bundle,
    linear_predictor_of,
    load_bundle,
    load_manifest,
    outputs_of,
    predictor_of,
    save_bundle,
    tensor_records,
)
from ktrdr.models.decisions import decide, signals
from ktrdr.models.drawing import MembershipCurves, draw_memberships, membership_curves
from ktrdr.models.explain import Contribution, Explanation, explain_bars
from ktrdr.models.inputs import InputGroup, input_groups
from ktrdr.models.manifest import (
    EpochRecord,
    FeatureRecord,
    FitRecord,
    Manifest,
    Metrics,
    ModelDescription,
    NetworkRecord,
    PartName,
    SplitPart,
    SplitRecord,
    TensorRecord,
    WeightsRecord,
)
from ktrdr.models.predictor import (
    CLASSES,
    RETURN,
    DensePredictor,
    LinearPredictor,
    MlpPredictor,
    Predictor,
    Tensors,
    softmax,
)
from ktrdr.models.registry import ModelRef, find_model, list_models
from ktrdr.models.rules import rules_in_words
from ktrdr.models.weights import weights_from_bytes, weights_to_bytes

__all__ = [
    "CLASSES",
    "RETURN",
    "Bundle",
    "Contribution",
    "DensePredictor",
    "EpochRecord",
    "Explanation",
    "FeatureRecord",
    "FitRecord",
    "InputGroup",
    "LinearPredictor",
    "Manifest",
    "MembershipCurves",
    "Metrics",
    "MlpPredictor",
    "ModelDescription",
    "ModelRef",
    "NetworkRecord",
    "PartName",
    "Predictor",
    "SplitPart",
    "SplitRecord",
    "TensorRecord",
    "Tensors",
    "WeightsRecord",
    "contributions",
    "decide",
    "draw_memberships",
    "explain_bars",
    "find_model",
    "input_groups",
    "linear_predictor_of",
    "list_models",
    "load_bundle",
    "load_manifest",
    "membership_curves",
    "outputs_of",
    "predictor_of",
    "rules_in_words",
    "save_bundle",
    "signals",
    "softmax",
    "tensor_records",
    "weights_from_bytes",
    "weights_to_bytes",
]
