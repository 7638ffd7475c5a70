"""The API holds to its description, whatever it is sent: no request makes the server fail."""

from datetime import UTC, datetime

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from studium import Corpus
from studium.core.records import Account
from studium.server.app import Settings, create_app
from studium.server.context import Viewer
from studium.server.routes import MODULES

AT = "http://127.0.0.1:8765"
TOKEN = "a-token-of-the-tests-long-enough-to-be-one"
EXAMPLES = 6
LEFT_OUT = {"session_sign_out"}  # would end the session of those after it

CHECKED = [
    not_a_server_error,
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


@pytest.fixture(scope="module")
def apis(study, kept, postgresql, tmp_path_factory):
    """For a local server on SQLite and one of accounts on PostgreSQL: description, how to be let in, what exists."""
    made = []
    for secret, database in ((TOKEN, tmp_path_factory.mktemp("openapi") / "studium.db"), (None, postgresql.database())):
        app = create_app(Corpus(study), Settings(secret, coder="dora", database=database))
        if secret is None:
            app.state.records.accounts.put(Account("dora", "admin", kept, datetime.now(UTC)))
        token = secret or app.state.sessions.begin(Viewer("dora", "admin")).token
        schema = schemathesis.openapi.from_dict(app.openapi())
        schema.app = app
        schema.config.update(base_url=AT)
        authorization = f"Bearer {token}"
        browser = TestClient(app, base_url=AT, headers={"Authorization": authorization})
        made.append((schema, authorization, real(browser)))
    yield made
    for schema, *_ in made:
        schema.app.state.records.close()


def real(browser):
    """What exists: by the name of a parameter or of a field."""
    units = [one["id"] for one in browser.get("/api/units?of=image").json()["items"]]
    table = browser.get("/api/clusters?of=image").json()[0]["table"]
    body = {"name": "real", "of": "image", "design": "simple", "n": 5}
    assert browser.post("/api/samples", json=body).status_code < 300
    body = {"name": "real", "sample": "real", "variables": ["scene"], "coders": ["dora"]}
    assert browser.post("/api/tasks", json=body).status_code < 300
    first = browser.get("/api/tasks/real/items/0").json()["unit"]["id"]
    body = {"unit": first, "answers": {"scene": "animal"}, "withdrawn": [], "seconds": 1.0, "note": None, "key": "k"}
    assert browser.post("/api/tasks/real/annotations", json=body).status_code < 300
    found = {"id": units[0], "unit": first, "of": "image", "table": table, "cluster": 0, "name": "real"}
    found |= {"task": "real", "sample": "real", "variable": "scene", "variables": ["scene"], "coders": ["dora"]}
    return found | {"position": 0, "column": "brightness", "columns": "width,height", "by": "embed", "units": units[:2]}


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("tag", MODULES)
def test_no_request_makes_it_fail(apis, tag, mode):
    """Each operation is sent what fits to one of the databases, and what does not fit to the other; in turn."""
    of_tag = zip(*([one.ok() for one in schema.get_all_operations()] for schema, *_ in apis), strict=True)
    for turn, operations in enumerate(each for each in of_tag if each[0].tags == [tag]):
        which = (MODULES.index(tag) + turn + (mode is GenerationMode.POSITIVE)) % len(apis)
        operation, (_, authorization, existing) = operations[which], apis[which]
        asks = operation.body or list(operation.iter_parameters())
        if operation.definition.raw["operationId"] not in LEFT_OUT and (asks or mode is GenerationMode.POSITIVE):
            ask(operation.as_strategy(generation_mode=mode), authorization, existing)


def ask(cases, authorization, real):
    """Send what is drawn; every other time with what exists where it asks for something of that name."""

    @seed(1)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases, existing=st.booleans())
    def asked(case, existing):
        if existing:
            for place in (case.path_parameters, case.query, case.body):
                if isinstance(place, dict):
                    place.update({name: real[name] for name in place if name in real})
        response = case.call(headers={"Authorization": authorization})
        # what was meant to be wrong may have been put right
        case.validate_response(
            response, checks=[one for one in CHECKED if one is not negative_data_rejection or not existing]
        )

    asked()
