"""Addresses of the pages of webhooks."""

from django.urls import path

from workwire.web.webhooks import (
    catalogue_page,
    delivery_export,
    delivery_list,
    delivery_page,
    edit_subscription,
    event_list,
    event_page,
    explain_page,
    hand_over_page,
    reconcile_page,
    replay_page,
    subscription_list,
    subscription_page,
    unsubscribe_page,
)

urlpatterns = [
    path("webhooks/deliveries", delivery_list.deliveries, name="deliveries"),
    path("webhooks/deliveries.csv", delivery_export.as_csv, name="deliveries-csv"),
    path("webhooks/deliveries.jsonl", delivery_export.as_json_lines, name="deliveries-jsonl"),
    path("webhooks/deliveries/<uuid:guid>", delivery_page.delivery, name="delivery"),
    path("webhooks/deliveries/<uuid:guid>/resend", delivery_page.resend, name="delivery-resend"),
    path("webhooks/events", event_list.events, name="events"),
    path("webhooks/events/<uuid:guid>", event_page.event, name="event"),
    path("webhooks/subscribe", edit_subscription.subscribe, name="subscribe"),
    path("webhooks/subscriptions", subscription_list.subscriptions, name="subscriptions"),
    path("webhooks/subscriptions/<uuid:guid>", subscription_page.subscription, name="subscription"),
    path("webhooks/subscriptions/<uuid:guid>/edit", edit_subscription.change, name="subscription-edit"),
    path("webhooks/subscriptions/<uuid:guid>/pause", subscription_page.pause, name="subscription-pause"),
    path("webhooks/subscriptions/<uuid:guid>/resume", subscription_page.resume, name="subscription-resume"),
    path("webhooks/subscriptions/<uuid:guid>/rotate", subscription_page.rotate, name="subscription-rotate"),
    path("webhooks/subscriptions/<uuid:guid>/simulate", subscription_page.simulate, name="subscription-simulate"),
    path("webhooks/subscriptions/<uuid:guid>/unsubscribe", unsubscribe_page.unsubscribe, name="subscription-end"),
    path(
        "webhooks/subscriptions/<uuid:guid>/hand-over",
        hand_over_page.subscription_hand_over,
        name="subscription-hand-over",
    ),
    path("webhooks/subscriptions/<uuid:guid>/replays", replay_page.subscription_replays, name="subscription-replays"),
    path("webhooks/subscriptions/<uuid:guid>/replays/start", replay_page.start, name="subscription-replay-start"),
    path("webhooks/subscriptions/<uuid:guid>/explain", explain_page.subscription_explain, name="subscription-explain"),
    path(
        "webhooks/subscriptions/<uuid:guid>/reconcile",
        reconcile_page.subscription_reconcile,
        name="subscription-reconcile",
    ),
    path("webhooks/replays/<uuid:guid>/pause", replay_page.pause_replay, name="replay-pause"),
    path("webhooks/replays/<uuid:guid>/resume", replay_page.resume_replay, name="replay-resume"),
    path("webhooks/replays/<uuid:guid>/cancel", replay_page.cancel_replay, name="replay-cancel"),
    path("webhooks/catalogue", catalogue_page.hooks, name="catalogue"),
    path("webhooks/catalogue/<str:name>", catalogue_page.hook, name="webhook"),
]
