"""Every operation of the documented web API fuzzed from its document: never a server error."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error

from tests.doors.conftest import Caller
from tests.support.environment import ON_POSTGRES
from workwire.webapi import openapi_document
from workwire.webapi import urls as _urls  # noqa: F401 - registers the operations, also when this file runs alone

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(ON_POSTGRES, reason="what is read and refused does not depend on the database"),
]
schema = schemathesis.openapi.from_dict({**openapi_document.document(), "security": []})
schema.app = get_wsgi_application()


@schema.parametrize()
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_no_input_breaks_the_documented_api(case: Any, administrator: Caller) -> None:
    for signal in (request_started, request_finished):  # a server closes connections between requests; here the
        signal.disconnect(close_old_connections)  # test's transaction would go with them
    headers = {"Authorization": f"Bearer {administrator.token}"}
    answer = case.call(headers=headers)
    case.validate_response(answer, checks=[not_a_server_error], headers=headers)
