"""What an image says of itself, against the table."""

import pytest

from ktrdr.cli.kinfra.images.verify import metadata
from ktrdr.cli.kinfra.images.verify.check import Fault
from tests.unit.cli.kinfra.images.verify.subjects import LABELS, subject

OF_SUBJECT = (
    metadata.labels,
    metadata.build_information,
    metadata.declared_user,
    metadata.ports,
    metadata.environment,
)
WRONG = {
    "another image": (
        metadata.labels,
        {"config": {"Labels": {**LABELS, "org.ktrdr.image": "dev"}}},
        "org.ktrdr.image is 'dev', expected 'backend'",
    ),
    "no licence": (
        metadata.labels,
        {"config": {"Labels": {**LABELS, "org.opencontainers.image.licenses": ""}}},
        "org.opencontainers.image.licenses",
    ),
    "another commit": (metadata.labels, {"build": {"commit": "def"}}, "'abc'"),
    "other locks": (metadata.build_information, {"build": {"lock": "0"}}, "lock is"),
    "no build information": (
        metadata.labels,
        {"process": {"build": None}},
        "no /build",
    ),
    "unknown torch": (
        metadata.build_information,
        {"build": {"torch": "2.13.0"}},
        "torch is '2.13.0', expected None",
    ),
    "root declared": (
        metadata.declared_user,
        {"config": {"User": ""}},
        "the user root is declared",
    ),
    "root runs": (metadata.declared_user, {"process": {"user": "0:0"}}, "0:0 runs"),
    "a port more": (
        metadata.ports,
        {"config": {"ExposedPorts": {"8000/tcp": {}, "5002/tcp": {}, "22/tcp": {}}}},
        "ports 22, 5002, 8000, expected 5002, 8000",
    ),
    "no port": (metadata.ports, {"config": {"ExposedPorts": None}}, "ports none"),
    "token": (
        metadata.environment,
        {"config": {"Env": ["KTRDR_API_TOKEN=x"]}},
        "KTRDR_API_TOKEN",
    ),
    "builder's certificates": (
        metadata.environment,
        {"config": {"Env": ["SSL_CERT_FILE=/root/ca.pem"]}},
        "SSL_CERT_FILE",
    ),
    "builder's index": (
        metadata.environment,
        {"config": {"Env": ["PIP_INDEX_URL=https://example.org"]}},
        "PIP_INDEX_URL",
    ),
    "password in a URL": (
        metadata.environment,
        {"config": {"Env": ["PLACE=https://me:word@example.org"]}},
        "PLACE",
    ),
}


@pytest.mark.parametrize("judge", OF_SUBJECT)
def test_image_as_it_should_be_passes(judge):
    assert judge(subject())


@pytest.mark.parametrize(("judge", "changes", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(judge, changes, told):
    with pytest.raises(Fault) as fault:
        judge(subject(**changes))
    assert told in str(fault.value)


def test_bundle_of_the_distribution_may_be_named():
    named = "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
    assert metadata.environment(subject(config={"Env": [named]}))


def test_history_that_holds_a_password_fails(docker):
    docker.answer("history", out="COPY /root /\nRUN pip install https://me:w@host/x\n")
    with pytest.raises(Fault, match="1 steps that tell a secret"):
        metadata.history(subject())


def test_history_without_secrets_passes(docker):
    docker.answer("history", out="COPY /root /\nENV KTRDR_HOST=0.0.0.0\n")
    assert metadata.history(subject()) == "2 steps"


@pytest.mark.parametrize(("is_slim", "passes"), [(False, False), (True, True)])
def test_size_is_held_to_the_budget_of_the_target(docker, is_slim, passes):
    found = subject(is_slim=is_slim)
    megabytes = found.image.budget_mb + 1
    docker.answer("history", out=f"{megabytes * 10**6}\n")
    if passes:
        assert metadata.size(found).startswith(f"{megabytes} of")
        return
    with pytest.raises(Fault, match=f"{megabytes} MB, over the budget of"):
        metadata.size(found)
