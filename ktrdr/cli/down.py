"""``ktrdr down``: stop the system that ``ktrdr up`` started."""

from ktrdr.cli.options import AsJson


def down(as_json: AsJson = False) -> None:
    """Stop workers, backend and database; unfinished operations wait for `ktrdr up`."""
    from ktrdr.cli.local.start import stop_system
    from ktrdr.cli.output import notes, print_json

    was_running = stop_system()
    if as_json:
        print_json({"was_running": was_running})
    else:
        notes().print("ktrdr is down." if was_running else "ktrdr was not running.")
