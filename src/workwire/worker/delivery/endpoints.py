"""How receivers are, as one worker has seen them: how much each may have under way, and when it is left alone.

A subscription begins with a few attempts at a time and earns more with every message taken. A failure of its endpoint (no
answer, 429, 5xx) halves that; several in a row open its circuit: nothing is sent for a while that grows with every failed
probe, then one probe decides (closed → open → half-open). What was under way when the circuit opened tells nothing new. A
pause the endpoint asks for is kept whatever else it answers meanwhile. Other failures say something about a message, not
about the endpoint. What a quick host has under way may be several times what it is sent at once, so that batches are worth
their while; a slow one gets nothing ahead. Hosts that have not answered lately, or take long to answer, share half of what may
be sent at once: claimed ahead they would stand in line before all others, and as many as hang would hold up whoever comes
after them.

Nothing of this is stored: a worker that starts anew finds out again within a few attempts. Used by the engine's thread
alone. Moments are seconds of a clock that only runs forward.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

FIRST_WINDOW = 4
OPENS_AFTER = 5  # failures in a row
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds a circuit stays open
AHEAD = 0.25  # seconds of a host's work that may be claimed ahead
MOST_AHEAD = 48  # times what may be sent at once
SMOOTHING = 0.2
SLOW = 2.0  # seconds; many receivers take one by nature
MOST_REMEMBERED = 20_000  # not counting those under way or failing
NEVER = float("inf")
ROUNDING = 1e-6  # tokens; a whole one is not missed for the last bit of a sum


@dataclass(slots=True)
class Bucket:
    """A rate limit: so many a second, with bursts of one second's worth; 0 limits nothing."""

    rate: float = 0.0
    tokens: float = 0.0
    filled_at: float = 0.0

    def left(self, rate: float, now: float) -> float:
        """How many may go now."""
        if rate <= 0:
            self.rate = 0.0
            return NEVER
        if self.rate <= 0:
            self.tokens, self.filled_at = max(1.0, rate), now
        self.rate = rate
        self.tokens = min(max(1.0, rate), self.tokens + (now - self.filled_at) * rate)
        self.filled_at = now
        return self.tokens + ROUNDING

    def wait(self) -> float:
        """Seconds until one more may go."""
        return 0.0 if self.rate <= 0 else max(0.0, 1 - self.tokens) / self.rate


@dataclass(slots=True)
class Host:
    """Scheme, host and port, which many subscriptions may share."""

    bucket: Bucket
    under_way: int = 0
    answer_time: float = 1.0
    sure: bool = False  # answered lately, and does not take long

    @property
    def ahead(self) -> float:
        """How many times as many messages may be claimed as may be sent at once."""
        return min(MOST_AHEAD, max(1.0, AHEAD / max(self.answer_time, 0.001)))


@dataclass(slots=True)
class Health:
    """What is known of one subscription's endpoint."""

    window: float
    bucket: Bucket
    under_way: int = 0
    failures: int = 0
    open_until: float = 0.0  # by its failures
    asked_until: float = 0.0  # by the endpoint's own wish
    pauses: int = 0  # how often the circuit opened without a message taken since
    probing: bool = False
    served: int = 0  # the round of claims it was last served in

    @property
    def opens_at(self) -> float:
        """Until then nothing is sent."""
        return max(self.open_until, self.asked_until)

    def state(self, now: float) -> str:
        """`closed` (well), `open` (left alone) or `half_open` (one probe may go)."""
        if now < self.opens_at:
            return "open"
        return "half_open" if self.pauses else "closed"

    def failed(self, now: float, pause: float) -> None:
        """The endpoint failed and asked for a pause of so many seconds, or none."""
        self.failures += 1
        self.window = max(1.0, self.window / 2)
        if pause > 0:
            self.asked_until = max(self.asked_until, now + min(pause, LONGEST_PAUSE))
        if self.probing or (not self.pauses and self.failures >= OPENS_AFTER):
            grown = FIRST_PAUSE * 2.0 ** min(self.pauses, 20)
            spread = random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards no secret
            self.open_until = now + min(grown * spread, LONGEST_PAUSE)
            self.pauses += 1

    def answered(self, most: int, *, well: bool) -> None:
        """The endpoint answered, and took the message or not."""
        if self.pauses:
            self.window = 1.0
        self.failures, self.pauses, self.open_until = 0, 0, 0.0
        self.window = min(float(most), self.window + well)


class Endpoints:
    """All that have something under way or failed lately.

    `most` bounds what is sent to one host at a time, `rate` how many attempts a second it gets (0: as many as it takes),
    `at_once` how many attempts are sent at a time in all. Limits of attempts a second are divided among as many workers as
    `sharing` says are alive.
    """

    def __init__(self, *, most: int, at_once: int, rate: float = 0.0) -> None:
        self._most, self._at_once, self._rate = most, at_once, rate
        self._hosts: dict[str, Host] = {}
        self._healths: dict[int, Health] = {}
        self._unsure = 0  # places taken by hosts that are not sure
        self.forgets_healths_at = self._forget_hosts_at = MOST_REMEMBERED
        self.sharing = 1
        self.look_again_at = NEVER  # when a circuit or a rate limit lets something go that `room` held back

    def room(self, subscription: int, host: str, now: float, *, rate: float = 0.0) -> int:
        """How many more deliveries of a subscription may be claimed now, as far as its own endpoint goes."""
        health = self._health(subscription)
        state = health.state(now)
        if state == "open":
            self.look_again_at = min(self.look_again_at, health.opens_at)
            return 0
        allowed = int(health.window * self._host(host).ahead) if state == "closed" else 1
        allowed -= health.under_way
        return self._limited(allowed, health.bucket, rate, now)

    def room_at(self, host: str, now: float) -> int:
        """How many more deliveries may be claimed for a host."""
        place = self._host(host)
        allowed = int(self._most * place.ahead) - place.under_way
        return self._limited(allowed, place.bucket, self._rate, now)

    def room_for_unsure(self) -> int:
        """How many more deliveries may be claimed for hosts that are not sure to answer soon."""
        return max(1, self._at_once // 2) - self._unsure

    def is_sure(self, host: str) -> bool:
        """Whether a host is sure to answer soon: it did lately."""
        return self._host(host).sure

    def served(self, subscription: int) -> int:
        """The round of claims a subscription was last served in."""
        return self._health(subscription).served

    def serve(self, subscription: int, number: int) -> None:
        """Note that a subscription is served in a round of claims."""
        self._health(subscription).served = number

    def begun(self, subscription: int, host: str, now: float) -> None:
        """An attempt takes a place."""
        health, place = self._health(subscription), self._host(host)
        health.probing = health.under_way == 0 and health.state(now) == "half_open"
        health.under_way += 1
        place.under_way += 1
        health.bucket.tokens -= 1
        place.bucket.tokens -= 1
        self._unsure += not place.sure

    def ended(
        self, subscription: int, host: str, now: float, *, took: float, sick: bool, well: bool, pause: float = 0.0
    ) -> None:
        """An attempt gave its place back after so many seconds. `sick` says that the endpoint failed, `well` that it took
        the message; `pause` is what it asked for."""
        health, place = self._health(subscription), self._host(host)
        health.under_way -= 1
        if not sick or took > place.answer_time:  # a refusal is quick, and no sign of a quick host
            place.answer_time += SMOOTHING * (took - place.answer_time)
        self._mark(place, sure=not sick and place.answer_time <= SLOW)
        place.under_way -= 1
        self._unsure -= not place.sure
        if sick:
            health.failed(now, pause)
        else:
            health.answered(self._most, well=well)
        health.probing = False
        self._forget_some()

    def returned(self, subscription: int, host: str, *, made: bool = True) -> None:
        """An attempt that failed through no fault of the endpoint, or was not `made` at all, gives its place back."""
        health, place = self._health(subscription), self._host(host)
        if not made:
            health.bucket.tokens += 1
            place.bucket.tokens += 1
        health.under_way -= 1
        place.under_way -= 1
        self._unsure -= not place.sure

    def places_taken(self) -> int:
        """The number of attempts that hold a place; 0 when nothing is under way."""
        return sum(health.under_way for health in self._healths.values())

    def remembered(self) -> int:
        """The number of subscriptions whose health is kept in memory."""
        return len(self._healths)

    def circuit(self, subscription: int, now: float) -> str:
        """The state of a subscription's circuit."""
        health = self._healths.get(subscription)
        return health.state(now) if health else "closed"

    def circuits(self, now: float) -> dict[int, tuple[str, float]]:
        """The subscriptions whose circuit is not closed: its state, and the seconds until a probe may go."""
        found = ((key, one.state(now), one.opens_at - now) for key, one in self._healths.items() if one.opens_at)
        return {key: (state, max(0.0, seconds)) for key, state, seconds in found if state != "closed"}

    def _limited(self, allowed: int, bucket: Bucket, rate: float, now: float) -> int:
        tokens = bucket.left(rate / self.sharing, now)
        if tokens < 1:
            self.look_again_at = min(self.look_again_at, now + bucket.wait())
        return max(0, int(min(allowed, tokens)))

    def _mark(self, place: Host, *, sure: bool) -> None:
        if place.sure != sure:
            self._unsure += place.under_way if place.sure else -place.under_way
            place.sure = sure

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
        """Bound the memory: what has nothing under way and never failed is found out again quickly. What has to be kept
        is looked through again only when there is twice as much of it, so that forgetting costs an answer next to nothing.
        """
        if len(self._healths) > self.forgets_healths_at:
            self._healths = {key: one for key, one in self._healths.items() if one.under_way or one.failures}
            self.forgets_healths_at = max(MOST_REMEMBERED, 2 * len(self._healths))
        if len(self._hosts) > self._forget_hosts_at:
            self._hosts = {key: one for key, one in self._hosts.items() if one.under_way}
            self._forget_hosts_at = max(MOST_REMEMBERED, 2 * len(self._hosts))
