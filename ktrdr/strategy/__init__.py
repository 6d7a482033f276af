"""The strategy grammar: YAML to a frozen strategy, or all that is wrong with it."""

from ktrdr.strategy.data_spec import NnInput, TimeframeName, TrainingData
from ktrdr.strategy.documents import (
    strategy_detail,
    strategy_features,
    strategy_summary,
    strategy_verdict,
)
from ktrdr.strategy.files import (
    examples_folder,
    find_named_strategy,
    find_strategy,
    list_strategies,
)
from ktrdr.strategy.inputs import FeatureInput, expand_inputs, feature_ids
from ktrdr.strategy.new import new_strategy
from ktrdr.strategy.overrides import (
    TradingOverrides,
    TradingSettings,
    check_trading_paths,
    is_trading_path,
    with_overrides,
)
from ktrdr.strategy.parse import load_strategy, parse_strategy, read_strategy_text
from ktrdr.strategy.saving import delete_strategy, save_strategy
from ktrdr.strategy.scalars import ScalarError
from ktrdr.strategy.scalars import resolve as parse_scalar
from ktrdr.strategy.schema import strategy_schema
from ktrdr.strategy.spec import Strategy, strategy_digest
from ktrdr.strategy.summary import summarize
from ktrdr.strategy.trading_spec import (
    BacktestSpec,
    CostsSpec,
    DecisionsSpec,
    FractionSizing,
    RiskSizing,
    Sizing,
    StopsSpec,
    Thresholds,
    UnitsSizing,
    VolatilitySizing,
)
from ktrdr.strategy.training_spec import (
    CheckpointSpec,
    CosineScheduler,
    CrossEntropyLoss,
    EarlyStoppingSpec,
    FocalLoss,
    ForwardReturnLabels,
    HuberLoss,
    Labels,
    Loss,
    MlpSpec,
    MseLoss,
    OptimizerSpec,
    PlateauScheduler,
    Scheduler,
    SplitSpec,
    StepScheduler,
    TrainingSpec,
    TripleBarrierLabels,
    ZigzagLabels,
)

__all__ = [
    "BacktestSpec",
    "CheckpointSpec",
    "CosineScheduler",
    "CostsSpec",
    "CrossEntropyLoss",
    "DecisionsSpec",
    "EarlyStoppingSpec",
    "FeatureInput",
    "FocalLoss",
    "ForwardReturnLabels",
    "FractionSizing",
    "HuberLoss",
    "Labels",
    "Loss",
    "MlpSpec",
    "MseLoss",
    "NnInput",
    "OptimizerSpec",
    "PlateauScheduler",
    "RiskSizing",
    "ScalarError",
    "Scheduler",
    "Sizing",
    "SplitSpec",
    "StepScheduler",
    "StopsSpec",
    "Strategy",
    "Thresholds",
    "TimeframeName",
    "TradingOverrides",
    "TradingSettings",
    "TrainingData",
    "TrainingSpec",
    "TripleBarrierLabels",
    "UnitsSizing",
    "VolatilitySizing",
    "ZigzagLabels",
    "check_trading_paths",
    "delete_strategy",
    "examples_folder",
    "expand_inputs",
    "feature_ids",
    "find_named_strategy",
    "find_strategy",
    "is_trading_path",
    "list_strategies",
    "load_strategy",
    "new_strategy",
    "parse_scalar",
    "parse_strategy",
    "read_strategy_text",
    "save_strategy",
    "strategy_detail",
    "strategy_digest",
    "strategy_features",
    "strategy_schema",
    "strategy_summary",
    "strategy_verdict",
    "summarize",
    "with_overrides",
]
