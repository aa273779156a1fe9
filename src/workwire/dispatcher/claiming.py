"""Who is served next: walks along the rings of the queue and shares the free places among those who wait.

Lanes in their order (tests, fresh, retries, bulk), now and then backwards so that a flood in one starves none of the
others; within a lane every subscription gets a fair share of the free places, and no owner more than most of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from workwire.dispatcher.endpoints import Endpoints
from workwire.reactions.webhooks import queue
from workwire.reactions.webhooks.models import Lane
from workwire.reactions.webhooks.queue import WHOLE_RING, Stop

BACKWARDS_EVERY = 8
OWNER_SHARE = 0.75  # of all places


class Claims:
    """The claims of one dispatcher. `places` is how many deliveries it may have under way in all."""

    def __init__(self, worker: UUID, endpoints: Endpoints, *, places: int, lease: timedelta) -> None:
        self._worker, self._endpoints = worker, endpoints
        self._lease = lease
        self._most_of_owner = max(1, int(places * OWNER_SHARE))
        self._position = dict.fromkeys(queue.LANES, 0)
        self._rounds = 0
        self.of_owner: Counter[int] = Counter()  # places taken, kept by the engine
        self.next_due: datetime | None = None  # of what was seen in the last round and is not due yet

    def take(self, now: datetime, moment: float, room: int) -> tuple[list[int], set[int]]:
        """Claim up to `room` deliveries; returns their ids and those of their subscriptions. `moment` is `now` on the
        clock of `Endpoints`."""
        self._rounds += 1
        self.next_due, self._endpoints.look_again_at = None, float("inf")
        lanes = queue.lanes_in_use()
        if self._rounds % BACKWARDS_EVERY == 0:
            lanes.reverse()
        claimed: list[int] = []
        subscriptions: set[int] = set()
        for lane in lanes:
            for stops in self._walk(lane):
                if len(claimed) >= room:
                    return claimed, subscriptions
                quotas = self._share(lane, stops, now, moment, room - len(claimed))
                taken = queue.claim(self._worker, now, lane, quotas, until=now + self._lease)
                if taken:
                    claimed += taken
                    subscriptions.update(subscription for subscription, _ in quotas)
                    self._position[lane] = stops[-1].subscription if len(stops) == WHOLE_RING else 0
        return claimed, subscriptions

    def _walk(self, lane: Lane) -> Iterable[Sequence[Stop]]:
        """The stops of a lane, page by page, once around from where the last claim ended."""
        start = after = self._position[lane]
        while stops := queue.ring(lane, after=after):
            yield stops
            after = stops[-1].subscription
            if len(stops) < WHOLE_RING:
                break
        after = 0
        while start and (stops := queue.ring(lane, after=after)):
            yield [stop for stop in stops if stop.subscription <= start]
            after = stops[-1].subscription
            if after >= start or len(stops) < WHOLE_RING:
                break

    def _waiting(self, lane: Lane, stops: Sequence[Stop], now: datetime, moment: float) -> list[tuple[Stop, int]]:
        """Who could get something now and how much at most, those first who were served longest ago."""
        waiting: list[tuple[Stop, int]] = []
        for stop in stops:
            if stop.paused and lane != Lane.TEST:
                continue
            if stop.due_at > now:
                self.next_due = min(self.next_due or stop.due_at, stop.due_at)
                continue
            most = self._endpoints.room(stop.subscription, stop.endpoint, moment, rate=stop.rate)
            if lane == Lane.TEST:
                most = max(1, most)  # a test finds out how things are now
            if most:
                waiting.append((stop, most))
        return sorted(waiting, key=lambda pair: self._endpoints.served(pair[0].subscription))

    def _share(
        self, lane: Lane, stops: Sequence[Stop], now: datetime, moment: float, room: int
    ) -> list[tuple[int, int]]:
        """How many to claim of whom: everybody gets a share, then who can take more gets what is left."""
        waiting = self._waiting(lane, stops, now, moment)
        quotas: Counter[int] = Counter()
        of_owner, of_host = Counter(self.of_owner), dict[str, int]()
        unsure = self._endpoints.room_for_unsure()
        share = max(1, room // max(1, len(waiting)))
        for each in (share, room):
            for stop, most in waiting:
                host, sure = stop.endpoint, self._endpoints.is_sure(stop.endpoint)
                free = of_host.setdefault(host, self._endpoints.room_at(host, moment))
                bounds = [most - quotas[stop.subscription], each, room, self._most_of_owner - of_owner[stop.owner]]
                if lane != Lane.TEST:
                    bounds += [free] if sure else [free, unsure]
                more = max(0, min(bounds))
                quotas[stop.subscription] += more
                of_owner[stop.owner] += more
                of_host[host] -= more
                unsure -= 0 if sure else more
                room -= more
        chosen = [(subscription, count) for subscription, count in quotas.items() if count]
        for subscription, _ in chosen:
            self._endpoints.serve(subscription, self._rounds)
        return chosen
