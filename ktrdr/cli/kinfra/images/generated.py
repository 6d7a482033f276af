"""Files that repeat the table: the bake file and the table in the documents."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from ktrdr.cli.kinfra.images.contract import Contract, Image
from ktrdr.cli.kinfra.images.torch_source import pytorch_index

BAKE_FILE = Path("deploy/docker-bake.json")
PAGE = Path("docs/images.md")
COMMAND = "kinfra images generate"
_BEGIN = f"<!-- `{COMMAND}` writes this table. -->"
_END = "<!-- End of the table. -->"
_TABLE = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)


def bake_file(contract: Contract) -> str:
    """Return what ``docker buildx bake`` builds the images from."""
    targets = {}
    for image in contract.images:
        targets[image.key] = _target(image, contract, {"tags": list(image.references)})
        if image.slim_budget_mb is not None:
            slim = [f"{reference}-slim" for reference in image.references]
            others: dict[str, object] = {"target": "slim", "tags": slim}
            targets[f"{image.key}-slim"] = _target(image, contract, others)
    # Large and for few: built when it is named.
    usual = [one.key for one in contract.images if one.accelerator != "cuda"]
    document = {
        "group": {"default": {"targets": usual}},
        "variable": {"COMMIT": {"default": "unknown"}},
        "target": targets,
    }
    return json.dumps(document, indent=2) + "\n"


def _target(
    image: Image, contract: Contract, others: dict[str, object]
) -> dict[str, object]:
    arguments = {"COMMIT": "${COMMIT}", "PYTHON_VERSION": contract.python}
    index = pytorch_index(contract, image)
    if index is not None:
        arguments["TORCH_INDEX"] = index
    return {
        "context": ".",
        "dockerfile": image.dockerfile,
        "args": arguments,
        **others,
    }


def table(contract: Contract) -> str:
    """Return the table of the images in Markdown."""
    rows = ["| image | what it is for | torch | made for | MB, at most |"]
    rows.append("|---|---|---|---|---|")
    for image in contract.images:
        torch = "none"
        if image.accelerator != "none":
            build = contract.torch_builds[image.accelerator]
            torch = f"{contract.torch_release}+{build}"
        made_for = ", ".join(one.removeprefix("linux/") for one in image.platforms)
        row = (f"`{image.reference}`", image.title, torch, made_for, image.budget_mb)
        rows.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(rows)


def page(contract: Contract) -> str:
    """Return the page with its table as it has to be."""
    text = (contract.root / PAGE).read_text("utf-8")
    written = f"{_BEGIN}\n{table(contract)}\n{_END}"
    return _TABLE.sub(lambda _: written, text)


FILES: dict[Path, Callable[[Contract], str]] = {BAKE_FILE: bake_file, PAGE: page}


def outdated(contract: Contract) -> list[Path]:
    """Return the files that differ from what the table makes of them."""
    return [
        path
        for path, make in FILES.items()
        if not (contract.root / path).is_file()
        or (contract.root / path).read_text("utf-8") != make(contract)
    ]


def write(contract: Contract) -> list[Path]:
    """Write the files that are outdated; return which they were."""
    changed = outdated(contract)
    for path in changed:
        (contract.root / path).write_text(FILES[path](contract), "utf-8")
    return changed
