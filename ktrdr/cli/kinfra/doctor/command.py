"""The command ``kinfra doctor``."""

import typer

from ktrdr.cli.kinfra.images.options import EngineName
from ktrdr.cli.options import AsJson


def doctor(engine: EngineName = None, as_json: AsJson = False) -> None:
    """Check engine, ports, disk, GPU, images and settings, and say what to do.

    Ends with 1 if something keeps environments from running.
    """
    from ktrdr.cli.display import Display
    from ktrdr.cli.kinfra.doctor.examine import examine
    from ktrdr.cli.kinfra.images.verify import Report, print_reports
    from ktrdr.cli.output import print_json

    with Display(is_silent=as_json) as display:
        name, checks = examine(engine, display)
    report = Report(
        key="doctor", reference="this machine", engine=name, checks=tuple(checks)
    )
    if as_json:
        print_json(report.document())
    else:
        print_reports([report])
    if report.has_failed:
        raise typer.Exit(1)
