"""Colours, the same in the page and in the picture."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Palette:
    """One colour for each role.

    Gain and loss differ in lightness as well as in hue, and every mark that uses
    them differs in shape too, so that nothing depends on telling red from green.
    """

    paper: str
    raised: str
    ink: str
    muted: str
    grid: str
    accent: str
    compare: str
    gain: str
    loss: str
    long: str
    short: str
    warning: str
    warning_paper: str
    train: str
    validation: str
    term_1: str
    term_2: str
    term_3: str
    term_4: str
    term_5: str


LIGHT = Palette(
    paper="#ffffff",
    raised="#f5f6f8",
    ink="#16191d",
    muted="#59626d",
    grid="#e3e6ea",
    accent="#1d4f91",
    compare="#8b929b",
    gain="#0e7a4b",
    loss="#c0281c",
    long="#4f86c6",
    short="#d98b2b",
    warning="#8a4b00",
    warning_paper="#fff3d6",
    train="#f6dcb4",
    validation="#fbeed6",
    term_1="#1d4f91",
    term_2="#0e7a4b",
    term_3="#b3541e",
    term_4="#7a3e9d",
    term_5="#59626d",
)
DARK = Palette(
    paper="#14171b",
    raised="#1d2127",
    ink="#e9ebee",
    muted="#9aa3ae",
    grid="#2c323a",
    accent="#7db3f5",
    compare="#7d8590",
    gain="#4cc38a",
    loss="#ff7a6b",
    long="#4f86c6",
    short="#d98b2b",
    warning="#ffca70",
    warning_paper="#3a2c10",
    train="#463413",
    validation="#2f2614",
    term_1="#7db3f5",
    term_2="#4cc38a",
    term_3="#f0a35e",
    term_4="#c792ea",
    term_5="#9aa3ae",
)


def css_variables(palette: Palette) -> str:
    """Return the palette as declarations of custom properties."""
    return " ".join(
        f"--{_css_name(role)}: {colour};" for role, colour in asdict(palette).items()
    )


def _css_name(role: str) -> str:
    return role.replace("_", "-")


# Colours of drawings inside the page, which follow its light or dark scheme.
PAGE = Palette(**{role: f"var(--{_css_name(role)})" for role in asdict(LIGHT)})
