"""How errors leave a command."""

import errno
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ktrdr.cli.border import run
from ktrdr.cli.output import print_json
from ktrdr.errors import NotFoundError, StrategyError, handling_of

REFUSALS = {
    "ours": (NotFoundError("no model 'x'"), 6, "no model 'x'"),
    "all problems": (StrategyError([], "a.yaml"), 3, "a.yaml: 0 problems"),
    "full disk": (
        OSError(errno.ENOSPC, "No space left on device", "/data/x"),
        13,
        "[Errno 28] No space left on device: '/data/x'",
    ),
    "no permission": (
        PermissionError(errno.EACCES, "Permission denied", "/data"),
        13,
        "[Errno 13] Permission denied: '/data'",
    ),
}


@pytest.fixture
def run_raising(monkeypatch):
    def run_one(error: BaseException, *arguments: str) -> int:
        app = typer.Typer()

        @app.command()
        def command(as_json: bool = typer.Option(False, "--json")) -> None:
            raise error

        monkeypatch.setattr("sys.argv", ["command", *arguments])
        return run(app)

    return run_one


@pytest.mark.parametrize(
    ("error", "code", "message"), REFUSALS.values(), ids=REFUSALS.keys()
)
def test_what_the_user_can_mend_is_told_in_one_line(
    run_raising, capsys, error, code, message
):
    assert run_raising(error) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"Error: {message}\n"


def test_with_json_the_error_is_a_document_on_standard_output(run_raising, capsys):
    error, code, message = REFUSALS["full disk"]
    assert run_raising(error, "--json") == code
    document = json.loads(capsys.readouterr().out)
    assert document == {"error": {"code": "storage_failed", "message": message}}


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_defect_is_told_with_its_traceback(run_raising, capsys, arguments):
    assert run_raising(ZeroDivisionError("division by zero"), *arguments) == 1
    told = capsys.readouterr()
    assert "Traceback" in told.err
    assert told.err.endswith("This is a defect of ktrdr: please report it.\n")
    if arguments:
        error = {"code": "internal", "message": "ZeroDivisionError: division by zero"}
        assert json.loads(told.out) == {"error": error}


def test_an_interrupt_and_an_exit_keep_their_codes(run_raising):
    assert run_raising(KeyboardInterrupt()) == 130
    assert run_raising(typer.Exit(4)) == 4
    assert run_raising(SystemExit(0)) == 0


def test_a_refusal_may_be_tried_again():
    assert handling_of(OSError()).retry
    assert not handling_of(ValueError()).retry


@pytest.fixture
def run_command(monkeypatch):
    def run_one(*arguments: str) -> int:
        app = typer.Typer(rich_markup_mode=None)

        @app.command()
        def command(
            count: int = 0, as_json: bool = typer.Option(False, "--json")
        ) -> None:
            print(f"{count} ≤ 1")

        monkeypatch.setattr("sys.argv", ["command", *arguments])
        return run(app)

    return run_one


def test_wrong_usage_is_told_as_a_document_too(run_command, capsys):
    assert run_command("--cuont", "1", "--json") == 2
    told = capsys.readouterr()
    error = json.loads(told.out)["error"]
    assert error["code"] == "input_invalid"
    assert "--cuont" in error["message"]
    assert told.err.startswith("Usage:")


def test_wrong_usage_without_json_leaves_standard_output_empty(run_command, capsys):
    assert run_command("--cuont") == 2
    assert capsys.readouterr().out == ""


def test_an_interrupt_is_told_in_words_and_as_a_document(run_raising, capsys):
    assert run_raising(KeyboardInterrupt(), "--json") == 130
    told = capsys.readouterr()
    assert json.loads(told.out)["error"]["code"] == "cancelled"
    assert told.err == "Interrupted.\n"


def test_what_the_encoding_lacks_is_replaced(run_command, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert run_command() == 0
    assert written.getvalue() == b"0 ? 1\n"


def test_json_stays_json_in_any_encoding(monkeypatch):
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="latin-1")
    monkeypatch.setattr("sys.stdout", stream)
    print_json({"text": "≤ é"})
    stream.flush()
    assert json.loads(written.getvalue()) == {"text": "≤ é"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_output_that_cannot_be_written_is_an_error(arguments):
    script = (
        "import sys, typer\n"
        "from ktrdr.cli.border import run\n"
        "app = typer.Typer(rich_markup_mode=None)\n"
        "app.command()(lambda: print('x'))\n"
        "sys.exit(run(app))\n"
    )
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == 13
    assert ended.stderr == "Error: [Errno 28] No space left on device\n"
