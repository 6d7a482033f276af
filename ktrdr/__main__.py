"""``python -m ktrdr``: the command ``ktrdr``."""

from ktrdr.cli.local.lifeline import end_with_supervisor
from ktrdr.cli.main import main

if __name__ == "__main__":
    end_with_supervisor()
    main()
