"""Every operation of the REST API fuzzed from its own OpenAPI document: never a server error, and only documented answers."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.doors.conftest import Caller
from tests.doors.known_fields import check_fields
from tests.support.environment import ON_POSTGRES

schema = schemathesis.openapi.from_wsgi(
    "/api/v1/openapi.json", get_wsgi_application(), headers={"Accept-Language": "en"}
)
# Simulating waits for a worker, which this test does not run.
chosen = schema.exclude(operation_id="simulate")


@chosen.parametrize()
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_no_input_breaks_the_api(case: Any, administrator: Caller) -> None:
    headers = {"Authorization": f"Bearer {administrator.token}"}
    if case.operation.definition.raw.get("operationId") == "delete_token":
        headers = {}  # ending the token would end the test's own
    for signal in (request_started, request_finished):  # a server closes connections between requests; here the
        signal.disconnect(close_old_connections)  # test's transaction would go with them
    answer = case.call(headers=headers)
    case.validate_response(
        answer, checks=[not_a_server_error, status_code_conformance, content_type_conformance], headers=headers
    )
    if answer.status_code == 422:
        check_fields(case.method, case.operation.full_path, answer.json())


pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(ON_POSTGRES, reason="what is read and refused does not depend on the database"),
]
