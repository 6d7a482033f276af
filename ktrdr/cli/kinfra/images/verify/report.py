"""How the checks of an image came out, as a table and as a document."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ktrdr.cli.kinfra.images.contract import Image
from ktrdr.cli.kinfra.images.verify.check import Check, Outcome

_STYLES: dict[Outcome, str] = {
    "passed": "green",
    "failed": "bold red",
    "skipped": "dim",
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is known of one image.

    Attributes
    ----------
    key : str
        What the table calls it.
    reference : str
        Which one it is.
    engine : str
        Which engine ran it.
    checks : tuple of Check
        In the order in which they were made.
    """

    key: str
    reference: str
    engine: str
    checks: tuple[Check, ...]

    @property
    def has_failed(self) -> bool:
        """Whether any check has failed."""
        return bool(self.count("failed"))

    def count(self, outcome: Outcome) -> int:
        """Return how many checks came out so."""
        return sum(one.outcome == outcome for one in self.checks)

    @property
    def outcome(self) -> Outcome:
        """How the image as a whole came out."""
        if self.has_failed:
            return "failed"
        return "passed" if self.count("passed") else "skipped"

    def document(self) -> dict[str, object]:
        """Return it as JSON shows it."""
        checks = [
            {**asdict(one), "seconds": round(one.seconds, 2)} for one in self.checks
        ]
        return {
            "image": self.key,
            "reference": self.reference,
            "engine": self.engine,
            "outcome": self.outcome,
            "checks": checks,
        }


def absence_report(image: Image, engine: str) -> Report:
    """Return that an image was not checked, as the engine does not have it."""
    why = f"{engine} does not have it: `kinfra images build {image.key}`"
    absence = Check(name="image", outcome="skipped", detail=why, seconds=0.0)
    return Report(
        key=image.key, reference=image.reference, engine=engine, checks=(absence,)
    )


def print_reports(reports: Sequence[Report]) -> None:
    """Print a table for each image, and what of it all has failed."""
    from rich.table import Table
    from rich.text import Text

    from ktrdr.cli.output import console

    for report in reports:
        title = f"{report.key}: {report.reference}, by {report.engine}"
        table = Table(title=title, title_justify="left", box=None, show_header=False)
        for one in report.checks:
            outcome = Text(one.outcome, style=_STYLES[one.outcome])
            table.add_row(outcome, one.name, Text(one.detail), f"{one.seconds:.1f} s")
        console().print(table)
        told = f"{report.count('passed')} passed, {report.count('failed')} failed"
        skipped = report.count("skipped")
        console().print(f"{report.key}: {told}, {skipped} not checked here\n")
