"""The test of an endpoint on the form of a subscription: what was seen, or what is wrong and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.errors import Invalid, Limited
from workwire.reactions.webhooks import reachability
from workwire.web.kit.page import Visit
from workwire.web.kit.parts import Fact, State, Words, took
from workwire.web.kit.template_tags import moment_words
from workwire.web.webhooks.subscription_form import SubscriptionForm

WRONG: dict[str, tuple[Words, Words]] = {
    "dns": (
        gettext_lazy("The host name does not resolve."),
        gettext_lazy("Check how it is spelled, and that it is known outside your network."),
    ),
    "refused_address": (
        gettext_lazy("Messages are not sent to such an address."),
        gettext_lazy("Use a public address, or ask the operator to allow the network."),
    ),
    "connection_refused": (
        gettext_lazy("The endpoint refused the connection."),
        gettext_lazy("Check the port, and that the receiver is running."),
    ),
    "connect_timeout": (
        gettext_lazy("The endpoint did not accept a connection in time."),
        gettext_lazy("Check that a firewall lets us through, and that the receiver is not overloaded."),
    ),
    "unreachable": (
        gettext_lazy("The endpoint's network cannot be reached."),
        gettext_lazy("Check the address, and that it is reachable from outside."),
    ),
    "connect_failed": (
        gettext_lazy("No connection to the endpoint could be made."),
        gettext_lazy("Check the address and the port."),
    ),
    "reset": (
        gettext_lazy("The endpoint broke the connection off during the TLS handshake."),
        gettext_lazy("Check that it speaks TLS on this port."),
    ),
    "tls": (
        gettext_lazy("No TLS connection could be made."),
        gettext_lazy("Check that the endpoint speaks TLS 1.2 or later on this port."),
    ),
    "certificate.expired": (
        gettext_lazy("The endpoint's certificate has expired."),
        gettext_lazy("Renew it, and restart what serves it."),
    ),
    "certificate.not_yet_valid": (
        gettext_lazy("The endpoint's certificate is not valid yet."),
        gettext_lazy("Check the clock of the machine that made it."),
    ),
    "certificate.other_name": (
        gettext_lazy("The endpoint's certificate is for another name."),
        gettext_lazy("Let it be issued for the host of this address."),
    ),
    "certificate.self_signed": (
        gettext_lazy("The endpoint's certificate is signed by itself."),
        gettext_lazy("Use one of a known authority, or write this one under trusted authorities below."),
    ),
    "certificate.unknown_authority": (
        gettext_lazy(
            "The endpoint's certificate is signed by an authority that is not trusted here, or its chain is incomplete."
        ),
        gettext_lazy("Let the endpoint send its whole chain, or write its authority under trusted authorities below."),
    ),
    "certificate.other": (
        gettext_lazy("The endpoint's certificate is not trusted."),
        gettext_lazy("Check the certificate and its chain."),
    ),
    "authorities_unreadable": (
        gettext_lazy("The trusted authorities cannot be read."),
        gettext_lazy("Check the certificates in PEM below."),
    ),
    "proxy_failed": (
        gettext_lazy("The proxy that messages go through cannot be reached."),
        gettext_lazy("Ask the operator of this installation."),
    ),
    "proxy_refused": (
        gettext_lazy("The proxy that messages go through did not connect to the endpoint."),
        gettext_lazy("Ask the operator whether the proxy allows this host."),
    ),
    "http_by_proxy": (
        gettext_lazy("An http endpoint behind a proxy cannot be tested without sending something."),
        gettext_lazy("Subscribe and send a test, or use https."),
    ),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """How a test went: a sentence, what to do, and what was seen on the way."""

    state: State
    advice: Words
    facts: tuple[Fact, ...]


def reach_of(form: SubscriptionForm, visit: Visit) -> Reach:
    """Test the address that a form holds now."""
    url = str(form["url"].value() or "").strip()
    try:
        seen = reachability.try_to_reach(url, str(form["authorities"].value() or "").strip(), by=visit.actor)
    except (Invalid, Limited) as error:
        visit.refuse(error)
        return _bad(error.sentence(), "")
    if seen is None:
        return _bad(
            _("Nobody has tested it yet."), _("Try again in a moment, or ask the operator whether a worker is running.")
        )
    if code := seen["code"]:
        said, advice = WRONG.get(code, WRONG["connect_failed"])
        return _bad(said, advice, _facts(seen))
    if not seen["protocol"]:
        state = State("triangle-alert", _("Reachable, but without TLS: anybody on the way can read messages."), "warn")
        return Reach(state, _("Use https where you can."), _facts(seen))
    return Reach(State("circle-check", _("Reachable, and trusted."), "ok"), "", _facts(seen))


def _bad(said: Words, advice: Words, facts: tuple[Fact, ...] = ()) -> Reach:
    return Reach(State("circle-x", said, "bad"), advice, facts)


def _facts(seen: Mapping[str, Any]) -> tuple[Fact, ...]:
    certificate, address = seen["certificate"], seen["address"]
    family = "IPv6" if ":" in address else "IPv4"
    ends = datetime.fromisoformat(certificate["not_after"]) if certificate else None
    facts: tuple[tuple[Words, Words], ...] = (
        (_("What went wrong"), seen["detail"]),
        (_("Network address"), f"{address} ({family})" if address else ""),
        (_("Way"), _("Through the proxy") if seen["by_proxy"] else ""),
        (_("Name looked up in"), _time(seen["look_up"])),
        (_("Connected in"), _time(seen["connect"])),
        (_("TLS handshake in"), _time(seen["handshake"])),
        (_("Protocol"), seen["protocol"]),
        (_("Certificate of"), certificate.get("subject", "")),
        (_("Issued by"), certificate.get("issuer", "")),
        (_("Valid until"), moment_words(ends) if ends else ""),
    )
    return tuple(Fact(name, value) for name, value in facts if value)


def _time(seconds: float | None) -> str:
    return took(seconds) if seconds is not None else ""
