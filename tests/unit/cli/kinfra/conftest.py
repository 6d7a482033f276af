"""An engine that answers as it is told to, and remembers what it was asked."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = """\
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
asked = [pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(asked) + "\\n")
words = " ".join(asked[1:])
answers = json.loads((folder / "answers").read_text())
code, out, err = next(
    (answer for start, answer in answers.items() if words.startswith(start)),
    (0, "", ""),
)
for option, text in (
    ("--iidfile", "sha256:1234"),
    ("--metadata-file", '{"containerimage.digest": "sha256:5678"}'),
):
    if option in asked and code == 0:
        pathlib.Path(asked[asked.index(option) + 1]).write_text(text)
image = folder / "image.tar"
if asked[1] == "save" and code == 0 and image.exists():
    if "--output" in asked:
        pathlib.Path(asked[asked.index("--output") + 1]).write_bytes(image.read_bytes())
    else:
        sys.stdout.buffer.write(image.read_bytes())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


@dataclass(frozen=True)
class FakeEngine:
    folder: Path

    def install(self, name: str) -> None:
        program = self.folder / name
        program.write_text(f"#!{sys.executable} -IS\n{PROGRAM}")
        program.chmod(0o755)

    def answer(self, start: str, *, code: int = 0, out: str = "", err: str = ""):
        """Answer calls that begin so; the first that fits decides."""
        path = self.folder / "answers"
        answers = json.loads(path.read_text())
        path.write_text(json.dumps({**answers, start: (code, out, err)}))

    def give_away(self, archive: bytes) -> None:
        """Have `save` write this archive, whatever the image."""
        (self.folder / "image.tar").write_bytes(archive)

    @property
    def calls(self) -> list[list[str]]:
        """Calls so far, but those that asked whether it answers, or how it works."""
        lines = (self.folder / "calls").read_text().splitlines()
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if call[1] != "info"]


@pytest.fixture
def engines(tmp_path, monkeypatch) -> FakeEngine:
    """Put an empty folder for engines before all others of PATH."""
    folder = tmp_path / "engines"
    folder.mkdir()
    (folder / "calls").touch()
    (folder / "answers").write_text("{}")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("KTRDR_ENGINE", "DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    return FakeEngine(folder)


@pytest.fixture
def docker(engines: FakeEngine) -> FakeEngine:
    """Install a docker that keeps images as most do, in a store that counts bytes."""
    engines.install("docker")
    engines.answer("info --format", out="overlay2\n")
    return engines
