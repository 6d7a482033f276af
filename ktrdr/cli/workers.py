"""``ktrdr workers``: who does the work of a backend."""

from ktrdr.cli.options import AsJson, Url


def workers(url: Url = None, as_json: AsJson = False) -> None:
    """List the backend's workers: what they are, and what they do now."""
    from ktrdr.cli.output import console, notes, print_json
    from ktrdr.cli.system import required_client

    found = required_client(url).system.workers()
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        notes().print(
            "No worker has registered: `ktrdr worker backtest` and `ktrdr worker "
            "training` start one, `ktrdr up` both.",
            markup=False,
        )
        return
    from ktrdr.cli.operation_view import workers_table

    console().print(workers_table(found))
