"""Who is served next: walks along the rings of the queue and shares the free places among those who wait.

Lanes in their order (tests, fresh, retries, bulk), now and then backwards so that a flood in one starves none of the
others. Within a lane owners take turns, however many subscriptions each has; every subscription gets a fair share of the
free places, and no owner more than its share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from workwire.reactions.webhooks import queue
from workwire.reactions.webhooks.models import Lane
from workwire.reactions.webhooks.queue import WHOLE_RING, Stop
from workwire.worker.delivery.endpoints import Endpoints

BACKWARDS_EVERY = 8
OWNER_SHARE = 0.75  # of all places


class Taken:
    """What was claimed in a round so far; the next lane and page take it into account."""

    def __init__(self) -> None:
        self.of_subscription: Counter[int] = Counter()
        self.of_owner: Counter[int] = Counter()
        self.of_host: Counter[str] = Counter()
        self.unsure = 0

    def add(self, stops: Sequence[Stop], subscriptions: Iterable[int], endpoints: Endpoints) -> None:
        """Count claims, each by its subscription, made at some stops."""
        at = {stop.subscription: stop for stop in stops}
        for subscription, count in Counter(subscriptions).items():
            stop = at[subscription]
            self.of_subscription[subscription] += count
            self.of_owner[stop.owner] += count
            self.of_host[stop.endpoint] += count
            self.unsure += 0 if endpoints.is_sure(stop.endpoint) else count


class Claims:
    """The claims of one worker. `places` is how many deliveries it may have under way in all."""

    def __init__(self, worker: UUID, endpoints: Endpoints, *, places: int, lease: timedelta) -> None:
        self._worker, self._endpoints = worker, endpoints
        self._lease = lease
        self._most_of_owner = max(1, int(places * OWNER_SHARE))
        self._position = dict.fromkeys(queue.LANES, 0)
        self._rounds = 0
        self.of_owner: Counter[int] = Counter()  # places taken
        self.next_due: datetime | None = None  # of what was seen in the last round and is not due yet

    def take(self, now: datetime, moment: float, room: int) -> dict[int, int]:
        """Claim up to `room` deliveries; returns their ids, each with its subscription's. `moment` is `now` on the clock of
        `Endpoints`."""
        self._rounds += 1
        self.next_due, self._endpoints.look_again_at = None, float("inf")
        pages = queue.rings(self._position)
        claimed: dict[int, int] = {}
        taken = Taken()
        for lane in self._in_order([lane for lane in queue.LANES if pages[lane] or self._position[lane]]):
            for stops in self._walk(lane, pages[lane]):
                if len(claimed) >= room:
                    return claimed
                quotas = self._share(lane, stops, now, moment, room - len(claimed), taken)
                found = queue.claim(self._worker, now, lane, quotas, until=now + self._lease)
                if found:
                    claimed |= found
                    taken.add(stops, found.values(), self._endpoints)
                    self._position[lane] = stops[-1].subscription if len(stops) == WHOLE_RING else 0
        return claimed

    def _in_order(self, lanes: list[Lane]) -> list[Lane]:
        """The lanes in use in the order of this round; in rounds that go backwards each of them comes first in its turn."""
        times, rest = divmod(self._rounds, BACKWARDS_EVERY)
        if rest or not lanes:
            return lanes
        lanes.reverse()
        first = (times - 1) % len(lanes)
        return lanes[first:] + lanes[:first]

    def hand_out(self, owner: int) -> None:
        """Note that a delivery of an owner takes a place."""
        self.of_owner[owner] += 1

    def give_back(self, owner: int) -> None:
        """Note that a delivery of an owner gave its place back."""
        self.of_owner[owner] -= 1
        if not self.of_owner[owner]:
            del self.of_owner[owner]

    def _walk(self, lane: Lane, stops: Sequence[Stop]) -> Iterable[Sequence[Stop]]:
        """The stops of a lane, page by page from the one given, once around from where the last claim ended."""
        start = self._position[lane]
        while stops:
            yield stops
            if len(stops) < WHOLE_RING:
                break
            stops = queue.rings({lane: stops[-1].subscription})[lane]
        after = 0
        while start and (stops := queue.rings({lane: after})[lane]):
            yield [stop for stop in stops if stop.subscription <= start]
            after = stops[-1].subscription
            if after >= start or len(stops) < WHOLE_RING:
                break

    def _waiting(
        self, lane: Lane, stops: Sequence[Stop], now: datetime, moment: float, taken: Taken
    ) -> list[tuple[Stop, int]]:
        """Who could get something now and how much at most, in the order of turns: everybody's first subscription, then
        everybody's second; of one owner's, those first that were served longest ago."""
        waiting: list[tuple[Stop, int]] = []
        for stop in stops:
            if stop.paused and lane != Lane.TEST:
                continue
            if stop.due_at > now:
                self.next_due = min(self.next_due or stop.due_at, stop.due_at)
                continue
            most = self._endpoints.room(stop.subscription, stop.endpoint, moment, rate=stop.rate)
            most -= taken.of_subscription[stop.subscription]
            if lane == Lane.TEST:
                most = max(1, most)  # a test finds out how things are now
            if most > 0:
                waiting.append((stop, most))
        return self._in_turn(waiting)

    def _in_turn(self, waiting: list[tuple[Stop, int]]) -> list[tuple[Stop, int]]:
        waiting.sort(key=lambda pair: self._endpoints.served(pair[0].subscription))
        number: Counter[int] = Counter()
        turns: list[tuple[int, int]] = []
        for place, (stop, _) in enumerate(waiting):
            turns.append((number[stop.owner], place))
            number[stop.owner] += 1
        return [waiting[place] for _, place in sorted(turns)]

    def _share(
        self, lane: Lane, stops: Sequence[Stop], now: datetime, moment: float, room: int, taken: Taken
    ) -> list[tuple[int, int]]:
        """How many to claim of whom: everybody gets a share, then who can take more gets what is left."""
        waiting = self._waiting(lane, stops, now, moment, taken)
        quotas: Counter[int] = Counter()
        of_owner, of_host = self.of_owner + taken.of_owner, dict[str, int]()
        unsure = self._endpoints.room_for_unsure() - taken.unsure
        share = max(1, room // max(1, len(waiting)))
        for each in (share, room):
            for stop, most in waiting:
                host, sure = stop.endpoint, self._endpoints.is_sure(stop.endpoint)
                if host not in of_host:
                    of_host[host] = self._endpoints.room_at(host, moment) - taken.of_host[host]
                bounds = [most - quotas[stop.subscription], each, room, self._most_of_owner - of_owner[stop.owner]]
                if lane != Lane.TEST:
                    bounds += [of_host[host]] if sure else [of_host[host], unsure]
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
