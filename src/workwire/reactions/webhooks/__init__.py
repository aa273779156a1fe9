"""The heart: events become messages to subscribers, with the owner's rights checked again for every message.

Words: *webhook* (a named kind of event), *subscription* (who wants which webhook, for which object, at which URL),
*delivery* (one event prepared for one subscription), *attempt* (one HTTP request for a delivery), *withheld* (not sent,
because the owner may not see it).
Modules: ``catalogue`` what can be subscribed to · ``commands`` the writer of subscriptions · ``matching`` which
subscriptions want an event · ``fanning`` from events to deliveries · ``queue`` put in, claim, take out · ``preparing`` and
``rights`` the check before every message · ``messages`` body, headers and signature · ``settling`` what follows from an
attempt · ``retry`` when again · ``retention`` what goes · ``repair`` simulate, resend, explain · ``replays`` ranges sent
again · ``reconciling`` what a receiver ought to have · ``queries`` how to look, ``log`` page by page · ``health`` how a
subscription is · ``workers`` what they tell · ``sql`` statements of the hot path.
Invariants: one delivery for each event and subscription, however often it is sent; no message leaves without a check of
the rights as they are at that moment; everything that ends is *delivered*, *withheld*, *gave up* or *cancelled*.
"""
