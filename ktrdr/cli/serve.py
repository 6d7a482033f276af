"""``ktrdr serve``: run the backend, here and until stopped."""

from typing import Annotated

import typer


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on, by default KTRDR_HOST; beyond this machine "
            "only if there are tokens."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Port to listen on, by default KTRDR_PORT; 0 is any that is free.",
        ),
    ] = None,
) -> None:
    """Run the backend; `ktrdr up` runs it with database and workers."""
    from ktrdr.api import serve
    from ktrdr.logs import set_up_logs
    from ktrdr.settings import settings

    given = {"host": host, "port": port}
    changes = {name: value for name, value in given.items() if value is not None}
    config = settings().model_copy(update=changes)
    set_up_logs(config.log_level, config.log_format)
    serve(config)
