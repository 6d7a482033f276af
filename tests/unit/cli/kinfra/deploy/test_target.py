"""What a rollout leaves behind, however it ends."""

from pathlib import Path

from ktrdr.cli.kinfra.deploy.areas import Area
from ktrdr.cli.kinfra.deploy.history import History
from ktrdr.cli.kinfra.deploy.plan import divide
from ktrdr.cli.kinfra.deploy.target import Target
from tests.unit.cli.kinfra.deploy.world import BACKEND, World


def target(world: World, folder: Path) -> Target:
    return Target(
        area=Area(name="core", file=folder / "x.yml"),
        folder=folder,
        engine="docker",
        context=None,
        project=world,
        history=History(folder / "test-core"),
        parts=divide(world.services(), {"ktrdr-backend"}),
    )


def test_statements_of_a_restore_that_was_killed_do_not_stay(tmp_path):
    one = target(World([BACKEND], {}), tmp_path)
    left = one.history.backups / "restoring"
    left.mkdir(parents=True)
    (left / "statements.sql").write_text("hashes of tokens")
    (one.history.backups / "x.dump").write_text("")
    with one.alone():
        assert [path.name for path in one.history.backups.iterdir()] == ["x.dump"]
