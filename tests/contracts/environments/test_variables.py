"""Each variable that is read is set somewhere, and each one that is set is read."""

import os
import re
import stat
from typing import Any

import pytest

from ktrdr.settings import Settings
from tests.contracts.environments.composed import (
    ENVIRONMENTS,
    FOLDER,
    ROOT,
    Environment,
    references,
    strings,
)

EACH = pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda one: one.name)
# What programs other than ktrdr's own settings read, by the service that has it set.
OTHERS = {
    "AWS_ACCESS_KEY_ID": "the artifact store",
    "AWS_SECRET_ACCESS_KEY": "the artifact store",
    "AWS_REGION": "the artifact store",
    "AWS_ENDPOINT_URL": "the artifact store",
    "OTEL_EXPORTER_OTLP_HEADERS": "OpenTelemetry's exporter",
    "POSTGRES_USER": "PostgreSQL's image",
    "POSTGRES_DB": "PostgreSQL's image",
    "POSTGRES_PASSWORD_FILE": "PostgreSQL's image",
    "PGDATA": "PostgreSQL",
    "DUMB_INIT_SETSID": "the images' init",
    "DATABASE_NAMES": "certificates.sh",
    "JAEGER_LISTEN_HOST": "Jaeger's image",
}


@EACH
def test_what_is_read_is_set_and_what_is_set_is_read(environment: Environment):
    assert set(environment.read_variables()) == set(environment.set_variables())


@EACH
def test_a_default_is_what_the_file_of_variables_says(environment: Environment):
    told = environment.set_variables()
    differing = {
        name: defaults
        for name, defaults in environment.read_variables().items()
        # A default that is made of other variables can't stand there.
        if (plain := {one for one in defaults if not list(references(one))})
        and told[name]
        and plain != {told[name]}
    }
    assert not differing


@EACH
def test_what_containers_get_is_read_by_their_programs(environment: Environment):
    settings = {f"KTRDR_{name.upper()}" for name in Settings.model_fields}
    for name, fields in environment.services():
        given = set(fields.get("environment") or {})
        unread = {one for one in given - settings - set(OTHERS) if one[:3] != "GF_"}
        assert not unread, name


def test_the_certificates_script_reads_what_it_is_given():
    script = (FOLDER / "homelab/database/certificates.sh").read_text("utf-8")
    assert set(re.findall(r"\$\{?([A-Z_]+)", script)) == {"DATABASE_NAMES"}


@EACH
def test_what_is_published_is_no_other_containers_matter(environment: Environment):
    """Among containers a service keeps its own port, whatever the machine's is."""
    published, told = set[str](), set[str]()
    for _, fields in environment.services():
        published |= read_in(fields.get("ports"))
        told |= read_in([fields.get("environment"), fields.get("command")])
    assert "KTRDR_DATABASE_PORT" in published
    assert not published & told


def read_in(fields: Any) -> set[str]:
    return {name for text in strings(fields) for name, _ in references(text)}


@EACH
def test_every_file_that_is_referred_to_exists(environment: Environment):
    folder = environment.files[0].parent
    found = []
    for _, fields in environment.services():
        base = FOLDER if "extends" in fields else folder
        for mount in fields.get("volumes") or ():
            source = "" if isinstance(mount, dict) else mount
            # A sandbox's worktree is a checkout such as this one.
            source = source.replace("${KTRDR_SOURCE:-.}", str(ROOT)).split(":")[0]
            if source.startswith((".", str(ROOT))):
                found.append(base / source)
    assert [one for one in found if not one.exists()] == []
    # The canary alone has all that it reads in its images.
    assert bool(found) == (environment.name != "canary")


@EACH
def test_no_secret_stands_in_a_file_that_is_kept(environment: Environment):
    for path in (*environment.files, *environment.shared, environment.variables):
        text = path.read_text("utf-8")
        assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", text), path
        given = re.findall(r"(?:PASSWORD|TOKEN|ACCESS_KEY|KEY_ID)\s*[:=] *(\S+)", text)
        assert given == [], path


def test_what_keeps_secrets_out_of_the_repository():
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"secrets/", "/deploy/environments/*/.env"} <= set(ignored)


def test_references_are_found_with_their_defaults():
    text = "${A:-${B:-c}}/x:${D:?say} $${E} ${F}"
    assert list(references(text)) == [
        ("A", {"${B:-c}"}),
        ("B", {"c"}),
        ("D", set()),
        ("F", set()),
    ]


def test_the_script_needs_no_right_to_be_run():
    path = FOLDER / "homelab/database/certificates.sh"
    assert os.stat(path).st_mode & stat.S_IROTH
