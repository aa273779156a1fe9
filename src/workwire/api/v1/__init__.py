"""Version 1 of the REST API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from workwire import __version__
from workwire.api import errors
from workwire.api.auth import Bearer
from workwire.api.reading import BoundedParser, check_size
from workwire.api.v1 import (
    accounts_and_rights,
    audit,
    batches,
    building,
    calendars,
    contacts,
    defects,
    deliveries,
    digests,
    draft_editing,
    endpoint_tests,
    error_codes,
    events,
    expected_time,
    explained_sight,
    files,
    finding,
    flow_building,
    following,
    health,
    installation_checks,
    jobs,
    notices,
    offering,
    own_account,
    parties,
    positions,
    process_trials,
    settings_in_force,
    subscription_owners,
    subscription_replays,
    subscriptions,
    time_sessions,
    tokens,
    types_of_work,
    user_groups,
    version_checks,
    work,
)
from workwire.api.v1.openapi import completed


class Api(NinjaAPI):
    """The API; its OpenAPI document has a `webhooks` section made from the catalogue."""

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:
        """The OpenAPI 3.1 document."""
        views = {
            str(operation.operation_id): operation.view_func
            for router in self._get_bound_routers()
            for path in router.path_operations.values()
            for operation in path.operations
        }
        return completed(super().get_openapi_schema(*args, **kwargs), views)

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """The answer that an operation may change. Called between the check of the token and the reading of the body, so this
        is where a body that is too large for the caller is refused unread."""
        check_size(request)
        return super().create_temporal_response(request)

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """The answer to an error, which then holds nothing of the request."""
        response = super().on_exception(request, exc)
        errors.let_go(exc)
        return response

    @property
    def urls(self) -> Any:
        """The paths, each of which answers also a wrong method with a problem."""
        patterns, application, namespace = super().urls
        for pattern in patterns:
            pattern.callback = errors.in_shape(cast("Callable[..., HttpResponse]", pattern.callback))
        return patterns, application, namespace


api = Api(
    title="Workwire",
    version=__version__,
    auth=Bearer(),
    parser=BoundedParser(),
    docs_url=None,
    urls_namespace="api-v1",
)
errors.install(api)
api.add_decorator(errors.known_parameters, mode="view")
for _room in (
    tokens,
    own_account,
    work,
    files,
    defects,
    batches,
    time_sessions,
    expected_time,
    following,
    finding,
    contacts,
    parties,
    calendars,
    offering,
    types_of_work,
    building,
    version_checks,
    process_trials,
    flow_building,
    draft_editing,
    subscriptions,
    deliveries,
    health,
    notices,
    subscription_owners,
    endpoint_tests,
    subscription_replays,
    positions,
    settings_in_force,
    installation_checks,
    digests,
    error_codes,
    explained_sight,
    accounts_and_rights,
    user_groups,
    audit,
    events,
    jobs,
):
    api.add_router("", _room.router)


@csrf_exempt  # it changes nothing
def not_found(_request: HttpRequest) -> HttpResponse:
    """Unknown path: a 404 problem document."""
    return errors.path_not_found()
