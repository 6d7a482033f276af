"""What an indicator states about itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ktrdr.data import Bars
from ktrdr.typing import FloatArray

Value = int | float | str
Arguments = Mapping[str, Value]

# TA-Lib itself takes periods up to 100,000. More bars than 10,000 are seldom
# meant, and some functions take time in proportion to bars times period.
MAX_PERIOD = 10_000


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of an indicator.

    Attributes
    ----------
    name : str
        Its key in a strategy file.
    kind : str
        ``int``, ``float`` or ``choice``.
    default : int, float or str
        Taken where the strategy names none.
    minimum, maximum : int or float
        Both included; without meaning for a choice.
    choices : tuple of str
        All valid values of a choice; otherwise empty.
    """

    name: str
    kind: Literal["int", "float", "choice"]
    default: Value
    minimum: float = 0
    maximum: float = 0
    choices: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """The values it takes, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        noun = "a whole number" if self.kind == "int" else "a number"
        return f"{noun} from {self.minimum} to {self.maximum}"

    def accepts(self, value: Value) -> bool:
        """Whether ``value`` has the right kind and lies within the bounds."""
        if self.kind == "choice":
            return value in self.choices
        if isinstance(value, bool | str) or (
            self.kind == "int" and not isinstance(value, int)
        ):
            return False
        return self.minimum <= value <= self.maximum


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """An indicator: what it is called, takes and gives, and how it is computed.

    Attributes
    ----------
    name : str
        Its ``type`` in a strategy file.
    title : str
        Its name in words.
    group : str
        The family it belongs to.
    origin : str
        Whose definition it follows: ``ta-lib``, or ``ktrdr`` where TA-Lib has none.
    inputs : tuple of str
        Columns of the bars that it always reads; those chosen by a ``source``
        parameter come on top.
    parameters : tuple of Parameter
        In the order in which documentation lists them.
    outputs : tuple of str
        Names of its outputs, the primary one first.
    compute : callable
        From bars and all arguments to the outputs, each of shape (n_bars,).
    warm_up : callable
        From all arguments to the number of leading bars without a value.
    problems : callable
        From arguments that are valid each by itself to what is wrong with them
        together: parameter and message.
    depends_on_first_bar : bool
        Whether values depend for ever on the bar at which the data happen to
        begin, as a running total does. Such values are comparable within one
        data set only.
    may_be_undefined : bool
        Whether values after the warm-up can be NaN, for example a quotient by a
        volume of 0.
    note : str
        What else one should know before using it; may be empty.
    """

    name: str
    title: str
    group: str
    origin: Literal["ta-lib", "ktrdr"] = "ktrdr"
    inputs: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[str, ...] = ("value",)
    compute: Callable[[Bars, Arguments], tuple[FloatArray, ...]]
    warm_up: Callable[[Arguments], int]
    problems: Callable[[Arguments], Mapping[str, str]] = lambda _: {}
    depends_on_first_bar: bool = False
    may_be_undefined: bool = False
    note: str = ""

    @property
    def primary(self) -> str:
        """Name of the output that is meant where a strategy names none."""
        return self.outputs[0]

    @property
    def defaults(self) -> dict[str, Value]:
        """Value of every parameter where a strategy names none."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter called ``name``, None if there is none."""
        return next((one for one in self.parameters if one.name == name), None)
