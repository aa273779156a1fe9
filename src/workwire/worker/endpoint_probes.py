"""Tests of endpoints: a job for each, whose outward step tries to reach it without sending anything."""

from __future__ import annotations

from django.conf import settings

from workwire.jobs.kinds import Done, JobKind, Piece
from workwire.reactions.webhooks import reachability
from workwire.worker.delivery.transport.probing import Seen, probe
from workwire.worker.delivery.transport.proxy import Proxy

LANE = "tests"


def reach(piece: Piece) -> Seen:
    """Try to reach the endpoint that a job names."""
    config = settings.CONFIG
    return probe(
        piece.arguments["url"],
        config.webhook_allowed_networks,
        seconds=reachability.seconds_of_a_test(),
        authorities=piece.arguments["authorities"],
        ca_bundle=config.webhook_ca_bundle,
        proxy=Proxy(config.webhook_proxy, config.webhook_proxy_resolves) if config.webhook_proxy else None,
    )


def note(_piece: Piece, seen: Seen) -> Done:
    """Keep what the probe saw as the result of its job."""
    return Done(seen.as_json())


KIND = JobKind(reachability.KIND, LANE, note, outward=reach, pauses=())
