"""``kinfra images generate``: write the files that repeat the table."""

from typing import Annotated

import typer


def generate(
    is_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file differs.")
    ] = False,
) -> None:
    """Write the bake file and the table in the documents from deploy/images.toml."""
    from ktrdr.cli.kinfra.images.contract import load_contract
    from ktrdr.cli.kinfra.images.generated import outdated, write
    from ktrdr.cli.output import notes
    from ktrdr.errors import ConflictError

    contract = load_contract()
    if is_check:
        names = ", ".join(map(str, outdated(contract)))
        if names:
            raise ConflictError(
                f"{names}: not what the table makes of it; run `kinfra images generate`"
            )
        return
    for path in write(contract):
        notes().print(f"Wrote {path}", markup=False)
