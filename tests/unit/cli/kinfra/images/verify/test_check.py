"""How what a check says becomes its outcome."""

import pytest

from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.cli.kinfra.images.verify.check import (
    Fault,
    NotChecked,
    check,
    require_none,
)
from ktrdr.errors import InputError


def raising(error):
    def judge():
        raise error

    return judge


def test_what_a_check_returns_is_what_it_found():
    came_out = check("size", lambda: "227 MB")
    assert (came_out.outcome, came_out.detail) == ("passed", "227 MB")


@pytest.mark.parametrize("error", [Fault("bad"), EngineError("bad"), InputError("bad")])
def test_an_error_on_purpose_is_a_failure(error):
    came_out = check("size", raising(error))
    assert (came_out.outcome, came_out.detail) == ("failed", "bad")


def test_what_can_not_be_told_here_is_no_failure():
    assert check("gpu", raising(NotChecked("no GPU"))).outcome == "skipped"


def test_a_defect_of_the_check_is_not_taken_for_the_images():
    with pytest.raises(ZeroDivisionError):
        check("size", raising(ZeroDivisionError()))


def test_many_findings_are_counted_and_some_named():
    require_none([], "shells")
    with pytest.raises(Fault, match=r"^3 shells: a, b and 1 more$"):
        require_none(["a", "b", "c"], "shells", most=2)
