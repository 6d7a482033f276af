"""Rules in words: what the model decided under which memberships."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.features import FeatureMatrix
from ktrdr.models.decisions import SIDES
from ktrdr.models.inputs import InputGroup, input_groups, listing
from ktrdr.models.predictor import CLASSES, RETURN
from ktrdr.strategy import Strategy
from ktrdr.typing import FloatArray, IntArray, TargetArray

# More conditions than this make rules that hold on a handful of bars each.
_MOST_CONDITIONS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """What the model did on the bars on which the same terms are the strongest.

    Attributes
    ----------
    conditions : tuple of str
        Such as ``1h rsi_momentum is high``.
    n_bars : int
        On how many bars they hold.
    shares : dict of str to float
        Share of these bars on which each position was decided.
    mean_outputs : ndarray of shape (n_outputs,)
        Mean class probabilities, or mean predicted return.
    """

    conditions: tuple[str, ...]
    n_bars: int
    shares: dict[str, float]
    mean_outputs: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class RuleSet:
    """Rules that part the bars, the one with most bars first.

    Attributes
    ----------
    inputs : tuple of InputGroup
        Fuzzy sets that the conditions speak of.
    n_bars : int
        Bars on which the model decided.
    n_inputs : int
        Number of all inputs, those left out of the conditions included.
    """

    rules: tuple[Rule, ...]
    inputs: tuple[InputGroup, ...]
    n_bars: int
    n_inputs: int


def extract_rules(
    strategy: Strategy,
    features: FeatureMatrix,
    outputs: FloatArray,
    targets: TargetArray,
) -> RuleSet:
    """Return what the model decided, by the strongest term of each fuzzy set.

    Parameters
    ----------
    strategy : Strategy
        Whose inputs the features are.
    features : FeatureMatrix
        Of the bars to tell about.
    outputs : ndarray of shape (n_bars, n_outputs)
        The model's, NaN where unknown; such bars are left out.
    targets : ndarray of int8, shape (n_bars,)
        Positions decided.

    Notes
    -----
    Conditions speak of at most three fuzzy sets. With more of them, those are
    taken that tell most about the decision: one after the other, the one whose
    strongest term adds the most mutual information with the target.
    """
    known = features.is_known & ~np.isnan(outputs).any(axis=1)
    groups = input_groups(strategy)
    fuzzy = [group for group in groups if group.is_fuzzy]
    strongest = [_strongest(features.values[known][:, one.columns]) for one in fuzzy]
    chosen = _most_telling(strongest, targets[known])
    inputs = tuple(fuzzy[i] for i in chosen)
    rules = _rules(
        inputs, [strongest[i] for i in chosen], outputs[known], targets[known]
    )
    return RuleSet(
        rules=rules, inputs=inputs, n_bars=int(known.sum()), n_inputs=len(groups)
    )


def rules_in_words(
    strategy: Strategy,
    features: FeatureMatrix,
    outputs: FloatArray,
    targets: TargetArray,
    *,
    limit: int = 8,
) -> tuple[str, ...]:
    """Return a sentence about the rules' coverage, then one for each of the largest.

    Parameters
    ----------
    strategy, features, outputs, targets
        As for ``extract_rules``.
    limit : int
        Rules to tell at most.
    """
    found = extract_rules(strategy, features, outputs, targets)
    if not found.n_bars:
        return ("On no bar were all features known, so the model decided nothing.",)
    if not found.inputs:
        return ("No input is a fuzzy set, so there are no rules to tell.",)
    names = RETURN if outputs.shape[1] == len(RETURN) else CLASSES
    shown = found.rules[:limit]
    return (_coverage(found, shown), *(_sentence(rule, names) for rule in shown))


def _strongest(degrees: FloatArray) -> IntArray:
    # The number of terms stands for bars on which none applies.
    strongest = np.argmax(degrees, axis=1)
    none = degrees.shape[1]
    found: IntArray = np.where(degrees.max(axis=1) > 0, strongest, none)
    return found


def _most_telling(strongest: Sequence[IntArray], targets: TargetArray) -> list[int]:
    if len(strongest) <= _MOST_CONDITIONS:
        return list(range(len(strongest)))
    chosen: list[int] = []
    for _ in range(_MOST_CONDITIONS):
        left = [i for i in range(len(strongest)) if i not in chosen]
        chosen.append(
            max(
                left,
                key=lambda i: _information(
                    [strongest[j] for j in (*chosen, i)], targets
                ),
            )
        )
    return sorted(chosen)


def _information(conditions: Sequence[IntArray], targets: TargetArray) -> float:
    # Mutual information between the joint condition and the target, in nats.
    joint = [*conditions, targets.astype(np.int64)]
    return _entropy(conditions) + _entropy([joint[-1]]) - _entropy(joint)


def _entropy(columns: Sequence[IntArray]) -> float:
    _, counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _rules(
    inputs: tuple[InputGroup, ...],
    strongest: Sequence[IntArray],
    outputs: FloatArray,
    targets: TargetArray,
) -> tuple[Rule, ...]:
    if not inputs or not len(targets):
        return ()
    terms, member = np.unique(np.column_stack(strongest), axis=0, return_inverse=True)
    rules = [
        Rule(
            conditions=tuple(
                f"{group.title} is {group.term(int(term))}"
                for group, term in zip(inputs, terms[i], strict=True)
            ),
            n_bars=int((member == i).sum()),
            shares={
                name: float((targets[member == i] == side).mean())
                for side, name in SIDES.items()
            },
            mean_outputs=outputs[member == i].mean(axis=0),
        )
        for i in range(len(terms))
    ]
    return tuple(sorted(rules, key=lambda rule: -rule.n_bars))


def _coverage(found: RuleSet, shown: Sequence[Rule]) -> str:
    covered = sum(rule.n_bars for rule in shown)
    titles = listing([group.title for group in found.inputs])
    text = (
        f"{len(shown)} of {len(found.rules)} rules, by the strongest term of {titles}, "
        f"cover {covered:,} of {found.n_bars:,} bars ({covered / found.n_bars:.1%})."
    )
    n_left = found.n_inputs - len(found.inputs)
    if n_left:
        text += f" The model also weighs {n_left} other inputs."
    return text


def _sentence(rule: Rule, names: tuple[str, ...]) -> str:
    shares = sorted(rule.shares.items(), key=lambda item: -item[1])
    decided = ", ".join(f"{name} in {share:.0%}" for name, share in shares if share)
    if names == RETURN:
        means = f"mean predicted return {rule.mean_outputs[0]:+.4%}"
    else:
        pairs = zip(names, rule.mean_outputs, strict=True)
        means = "mean probability " + ", ".join(f"{n} {p:.2f}" for n, p in pairs)
    bars = "bar" if rule.n_bars == 1 else "bars"
    conditions = listing(rule.conditions)
    return f"When {conditions}: {decided} of {rule.n_bars:,} {bars}; {means}."
