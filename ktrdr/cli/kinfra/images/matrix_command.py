"""``kinfra images matrix``: what continuous integration builds."""

import json
import sys

from ktrdr.cli.options import AsJson


def show_matrix(as_json: AsJson = False) -> None:
    """Show what continuous integration builds, and on which machines.

    With --json on one line, as an output of a workflow's step has to be.
    """
    from ktrdr.cli.kinfra.images.contract import load_contract
    from ktrdr.cli.kinfra.images.matrix import matrix
    from ktrdr.cli.output import console

    found = matrix(load_contract())
    if as_json:
        sys.stdout.write(json.dumps(found, separators=(",", ":")) + "\n")
        return
    for row in found["build"]["include"]:
        words = f"{row['image']:12}{row['platform']:14}{row['runner']}"
        console().print(words, markup=False)
