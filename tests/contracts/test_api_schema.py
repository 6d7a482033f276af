"""The served API keeps to its own description, whatever it is asked."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import (
    ChecksConfig,
    GenerationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)

from ktrdr.api.main import create_app
from ktrdr.database import Database
from ktrdr.operations import AttemptToken, NewOperation, Operations
from tests.integration.backend_process import running_backend
from tests.unit.backtesting.stored_models import filled_store

pytestmark = pytest.mark.slow

POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
OPERATIONS = sorted(
    f"{method} {route.path}"
    for route in create_app().state.accesses
    for method in route.methods
    if route.path != "/api/v1/openapi.json"
)
# Of an operation that goes on, it does not end.
FOLLOW = "GET /api/v1/operations/{operation}/events"
EXAMPLES = 10
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    # A failure is told as it was found: making it small takes minutes.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def config() -> SchemathesisConfig:
    checks = {
        # What a document means can be wrong though its form is right.
        "positive_data_acceptance": {
            "expected-statuses": [
                "2xx",
                "400",
                "401",
                "404",
                "409",
                "413",
                "422",
                "429",
            ]
        },
        "negative_data_rejection": {
            "expected-statuses": ["400", "404", "405", "409", "413", "415", "422"]
        },
        # On this machine nobody needs a token; access has tests of its own.
        "ignored_auth": {"enabled": False},
    }
    project = ProjectConfig(
        checks=ChecksConfig.from_dict(checks),
        generation=GenerationConfig(with_security_parameters=False),
    )
    return SchemathesisConfig(seed=1, projects=ProjectsConfig(default=project))


@pytest.fixture(scope="module")
def database_url(postgres_server):
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="module")
def backend_url(database_url, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    filled_store(home / "store")
    with running_backend(home, database_url) as backend:
        backend.wait_ready()
        yield backend.url


async def make_completed_operation(database_url: str) -> str:
    new = NewOperation(kind="probe", title="p", queue="backtest", request={})
    async with Database(database_url) as database:
        operations = Operations(database)
        operation = (await operations.create(new)).operation.id
        token = AttemptToken(operation=operation, attempt=1)
        await operations.claim(token, "a worker")
        await operations.complete(token, {"n": 1})
    return operation


@pytest.fixture(scope="module")
def names(database_url) -> dict[str, str]:
    """What there is, by the name of the path's parameter."""
    return {
        # Nobody can let it go on, so that whoever follows it comes to an end.
        "operation": asyncio.run(make_completed_operation(database_url)),
        "model": "two_timeframes",
        "symbol": "TEST",
        "name": "rsi",
        "kind": "models",
        "key": "two_timeframes/000001",
    }


@pytest.fixture(scope="module")
def api_schema(backend_url):
    return schemathesis.openapi.from_url(
        f"{backend_url}/api/v1/openapi.json", config=config()
    )


@pytest.fixture
def ask(api_schema):
    """Ask an operation a few times and compare the answers with its description."""

    def run(label: str, mode: GenerationMode, names: dict[str, str]) -> None:
        method, path = label.split(" ")
        operation = api_schema[path][method]
        known = {
            parameter.name: names[parameter.name]
            for parameter in operation.path_parameters
            if parameter.name in names
        }

        @bounded
        @given(operation.as_strategy(mode, path_parameters=known or None))
        def question(case):
            case.call_and_validate(timeout=60)

        question()

    return run


@pytest.mark.parametrize("label", [one for one in OPERATIONS if one != FOLLOW])
def test_answers_are_as_described(ask, label):
    ask(label, POSITIVE, {})


@pytest.mark.parametrize("label", [one for one in OPERATIONS if "{" in one])
def test_answers_about_what_there_is_are_as_described(ask, names, label):
    ask(label, POSITIVE, names)


@pytest.mark.parametrize("label", OPERATIONS)
def test_what_does_not_fit_the_description_is_refused(ask, names, label):
    try:
        ask(label, NEGATIVE, names)
    except Unsatisfiable:
        pytest.skip("nothing can be wrong with it")
