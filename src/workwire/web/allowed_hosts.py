"""Under which names this installation answers.

Guarantee: health and figures are told under any name, for monitors and load balancers ask by address; everything else only
under the names of ``WORKWIRE_ALLOWED_HOSTS``, so that no answer can be made to lead somewhere else.
"""

from __future__ import annotations

import logging

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.utils.log import log_response

logger = logging.getLogger(__name__)
UNDER_ANY_NAME = frozenset({"/health/live", "/health/ready", "/metrics"})
REFUSAL = "Nothing is answered under this host name; the operator names those that are in WORKWIRE_ALLOWED_HOSTS."


class NamedHosts(CommonMiddleware):
    """Django's middleware that looks at the host name, with our exceptions and a sentence."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]  # Django takes any
        """Refuse a request to a name that is not ours."""
        if request.path_info in UNDER_ANY_NAME:
            return None
        try:
            return super().process_request(request)
        except DisallowedHost:
            refused = HttpResponse(REFUSAL, status=400, content_type="text/plain; charset=utf-8")
            asked = request.META.get("HTTP_HOST", "")[:100]
            told = "host name %r is not in WORKWIRE_ALLOWED_HOSTS: %s is refused"
            log_response(told, asked, request.path_info[:100], response=refused, request=request, logger=logger)
            return refused
