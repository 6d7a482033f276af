"""Check ``infra/backend-lazy-imports``: the backend's code never asks for torch.

The same program that `kinfra images verify` runs inside the image runs here, where
torch may be installed: it hears of every import, of those too that are caught.
"""

import json
import subprocess
import sys
from pathlib import Path

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.verify.facts import ImportFacts
from ktrdr.cli.kinfra.images.verify.probes import imports as probe
from ktrdr.cli.kinfra.images.verify.subject import import_request


def test_backend_reaches_nothing_that_its_image_must_not_hold():
    image = load_contract().image("backend")
    done = subprocess.run(
        [sys.executable, "-", json.dumps(import_request(image))],
        input=Path(probe.__file__).read_text("utf-8"),
        capture_output=True,
        text=True,
        check=True,
    )
    facts = ImportFacts.model_validate_json(done.stdout.splitlines()[-1])
    assert facts.failed == {}
    assert facts.reached == []
    assert facts.n_imported > 300
