"""The reference page lists every setting and every exit code, and no other."""

import re
from pathlib import Path

from ktrdr import errors
from ktrdr.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text("utf-8")


def test_every_setting_is_documented_with_its_description():
    rows = dict(re.findall(r"^\| `KTRDR_(\w+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE))
    fields = Settings.model_fields.items()
    assert rows == {name.upper(): field.description for name, field in fields}


def test_every_error_has_its_documented_exit_code():
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", PAGE, re.MULTILINE)
    documented = {
        (int(code), name)
        for code, names in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    raised = {
        (handling.exit_code, handling.code)
        for kind in all_subclasses(errors.KtrdrError)
        if (handling := handling_of_kind(kind)) is not None
    }
    assert raised <= documented
    assert documented - raised == {(1, "job_died"), (130, "detached")}


def all_subclasses(kind: type[Exception]) -> set[type[Exception]]:
    found = set(kind.__subclasses__())
    return found.union(*(all_subclasses(child) for child in found))


def handling_of_kind(kind: type[Exception]) -> errors.Handling | None:
    if kind is errors.JobFailed:
        return None
    return errors.handling_of(kind.__new__(kind))
