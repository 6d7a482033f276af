"""What compose makes of each environment is what was looked at and kept."""

import pytest
import yaml

from tests.environments.rendered import GOLDEN, RENDERINGS, Rendering

EACH = pytest.mark.parametrize("rendering", RENDERINGS, ids=lambda one: one.name)


@EACH
def test_an_environment_is_rendered_as_it_was(rendering: Rendering):
    kept = yaml.safe_load(rendering.golden.read_text("utf-8"))
    assert rendering.document() == kept, (
        "if the change is meant: python -m tests.environments.rendered"
    )


def test_no_golden_file_is_left_over():
    assert {path.name for path in GOLDEN.iterdir()} == {
        one.golden.name for one in RENDERINGS
    }


@EACH
def test_services_are_limited_as_the_engine_sees_them(rendering: Rendering):
    for name, fields in rendering.document()["services"].items():
        limits = fields["deploy"]["resources"]["limits"]
        assert int(limits["memory"]) <= 16 * 2**30, name
        assert 0 < float(limits["cpus"]) <= 2, name


@EACH
def test_what_is_published_is_so_on_this_machine_alone(rendering: Rendering):
    for name, fields in rendering.document()["services"].items():
        for port in fields.get("ports", ()):
            assert port["host_ip"] == "127.0.0.1", name


def test_environments_that_run_side_by_side_publish_different_ports():
    published = [
        port["published"]
        for one in RENDERINGS
        if one.name in ("local", "canary")
        for fields in one.document()["services"].values()
        for port in fields.get("ports", ())
    ]
    assert len(set(published)) == len(published)
