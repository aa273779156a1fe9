"""How receivers are, as one dispatcher has seen them: how much each may have under way, and when it is left alone.

A subscription begins with a few attempts at a time and earns more with every answer. A failure of its endpoint (no answer,
429, 5xx) halves that; several in a row open its circuit: nothing is sent for a while that grows with every failed probe,
then one probe decides (closed → open → half-open). Other failures say something about a message, not about the endpoint.
What a quick host has under way may be several times what it is sent at once, so that batches are worth their while; a slow
one gets nothing ahead. Hosts that have not answered lately share half of all places, so that they cannot take them all.

Nothing of this is stored: a dispatcher that starts anew finds out again within a few attempts. Used by the engine's thread
alone. Moments are seconds of a clock that only runs forward.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

FIRST_WINDOW = 4
OPENS_AFTER = 5  # failures in a row
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds a circuit stays open
AHEAD = 0.25  # seconds of a host's work that may be claimed ahead
MOST_AHEAD = 16  # times what may be sent at once
SMOOTHING = 0.2
MOST_REMEMBERED = 20_000
NEVER = float("inf")


@dataclass(slots=True)
class Bucket:
    """A rate limit: so many a second, with bursts of one second's worth; 0 limits nothing."""

    rate: float = 0.0
    tokens: float = 0.0
    filled_at: float = 0.0

    def left(self, rate: float, now: float) -> float:
        """How many may go now."""
        if rate <= 0:
            return NEVER
        if rate != self.rate:
            self.rate, self.tokens, self.filled_at = rate, max(1.0, rate), now
        self.tokens = min(max(1.0, rate), self.tokens + (now - self.filled_at) * rate)
        self.filled_at = now
        return self.tokens

    def wait(self) -> float:
        """Seconds until one more may go."""
        return 0.0 if self.rate <= 0 or self.tokens >= 1 else (1 - self.tokens) / self.rate


@dataclass(slots=True)
class Host:
    """Scheme, host and port, which many subscriptions may share."""

    bucket: Bucket
    under_way: int = 0
    answer_time: float = 1.0
    answered: bool = False

    @property
    def ahead(self) -> float:
        """How many times what may be sent at once may be claimed."""
        return min(MOST_AHEAD, max(1.0, AHEAD / max(self.answer_time, 0.001)))


@dataclass(slots=True)
class Health:
    """What is known of one subscription's endpoint."""

    window: float
    bucket: Bucket
    under_way: int = 0
    failures: int = 0
    opens_at: float = 0.0  # until then the circuit is open
    served: int = 0  # the round of claims it was last served in

    def state(self, now: float) -> str:
        """`closed` (well), `open` (left alone) or `half_open` (one probe may go)."""
        if self.failures < OPENS_AFTER and now >= self.opens_at:
            return "closed"
        return "open" if now < self.opens_at else "half_open"


class Endpoints:
    """All that have something under way or failed lately.

    `most` bounds what is sent to one host at a time, `rate` how many attempts a second it gets (0: as many as it takes),
    `places` how many attempts may be under way in all.
    """

    def __init__(self, *, most: int, places: int, rate: float = 0.0) -> None:
        self._most, self._places, self._rate = most, places, rate
        self._hosts: dict[str, Host] = {}
        self._healths: dict[int, Health] = {}
        self._unsure = 0  # places taken by hosts that have not answered lately
        self.look_again_at = NEVER  # when a circuit or a rate limit lets something go that `room` held back

    def room(self, subscription: int, host: str, now: float, *, rate: float = 0.0) -> int:
        """How many more deliveries of a subscription may be claimed now, as far as its own endpoint goes."""
        health = self._health(subscription)
        state = health.state(now)
        if state == "open":
            self.look_again_at = min(self.look_again_at, health.opens_at)
            return 0
        if state == "half_open":
            return 1 if health.under_way == 0 else 0
        allowed = int(health.window * self._host(host).ahead) - health.under_way
        return self._limited(allowed, health.bucket, rate, now)

    def room_at(self, host: str, now: float) -> int:
        """How many more deliveries may be claimed for a host."""
        place = self._host(host)
        allowed = int(self._most * place.ahead) - place.under_way
        return self._limited(allowed, place.bucket, self._rate, now)

    def room_for_unsure(self) -> int:
        """How many more deliveries may be claimed for hosts that have not answered lately."""
        return self._places // 2 - self._unsure

    def is_sure(self, host: str) -> bool:
        """Whether a host has answered lately."""
        return self._host(host).answered

    def served(self, subscription: int) -> int:
        """The round of claims a subscription was last served in."""
        return self._health(subscription).served

    def serve(self, subscription: int, number: int) -> None:
        """Note that a subscription is served in a round of claims."""
        self._health(subscription).served = number

    def begun(self, subscription: int, host: str) -> None:
        """An attempt takes a place."""
        health, place = self._health(subscription), self._host(host)
        health.under_way += 1
        place.under_way += 1
        health.bucket.tokens -= 1
        place.bucket.tokens -= 1
        self._unsure += not place.answered

    def ended(
        self, subscription: int, host: str, now: float, *, took: float, sick: bool, well: bool, pause: float = 0.0
    ) -> None:
        """An attempt gave its place back after so many seconds. `sick` says that the endpoint failed, `well` that it took
        the message; `pause` is what it asked for."""
        health, place = self._health(subscription), self._host(host)
        health.under_way -= 1
        self._mark(place, answered=not sick)
        place.under_way -= 1
        self._unsure -= not place.answered
        place.answer_time += SMOOTHING * (took - place.answer_time)
        if sick:
            health.failures += 1
            health.window = max(1.0, health.window / 2)
            if health.failures >= OPENS_AFTER:
                grown = FIRST_PAUSE * 2.0 ** min(health.failures - OPENS_AFTER, 20)
                pause = max(pause, grown * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load, guards no secret
            if pause:
                health.opens_at = max(health.opens_at, now + min(pause, LONGEST_PAUSE))
        else:
            if health.failures >= OPENS_AFTER:
                health.window = 1.0
            health.failures, health.opens_at = 0, 0.0
            health.window = min(float(self._most), health.window + well)
        self._forget_some()

    def returned(self, subscription: int, host: str) -> None:
        """An attempt that was not made, or not through a fault of the endpoint, gives its place back."""
        health, place = self._health(subscription), self._host(host)
        health.under_way -= 1
        place.under_way -= 1
        self._unsure -= not place.answered

    def circuit(self, subscription: int, now: float) -> str:
        """The state of a subscription's circuit."""
        health = self._healths.get(subscription)
        return health.state(now) if health else "closed"

    def _limited(self, allowed: int, bucket: Bucket, rate: float, now: float) -> int:
        tokens = bucket.left(rate, now)
        if tokens < 1:
            self.look_again_at = min(self.look_again_at, now + bucket.wait())
        return max(0, int(min(allowed, tokens)))

    def _mark(self, place: Host, *, answered: bool) -> None:
        if place.answered != answered:
            self._unsure += place.under_way if place.answered else -place.under_way
            place.answered = answered

    def _health(self, subscription: int) -> Health:
        found = self._healths.get(subscription)
        if found is None:
            window = float(min(FIRST_WINDOW, self._most))
            found = self._healths[subscription] = Health(window, Bucket())
        return found

    def _host(self, host: str) -> Host:
        found = self._hosts.get(host)
        if found is None:
            found = self._hosts[host] = Host(Bucket())
        return found

    def _forget_some(self) -> None:
        """Bound the memory: what has nothing under way and never failed is found out again quickly."""
        if len(self._healths) > MOST_REMEMBERED:
            self._healths = {key: one for key, one in self._healths.items() if one.under_way or one.failures}
        if len(self._hosts) > MOST_REMEMBERED:
            self._hosts = {key: one for key, one in self._hosts.items() if one.under_way}
