"""What the codes of webhooks say: refusals, and why a message is withheld."""

from workwire.kernel.wording import counted, register

register(
    "webhooks",
    refusals={
        "already_paused": "This subscription is paused already.",
        "certificate_invalid": "Give certificates in PEM: -----BEGIN CERTIFICATE----- and so on.",
        "certificate_too_long": "Certificates have at most {most} KiB.",
        "certificates_without_tls": (
            "Certificates need an https URL: change the URL, or clear `client_certificate` and `authorities`."
        ),
        "client_certificate_expired": "The client certificate has expired.",
        "client_certificate_missing": "A client key needs its certificate.",
        "client_key_encrypted": "The client key is encrypted: give it without a passphrase; it is stored encrypted here.",
        "client_key_invalid": "Give a private key in PEM: -----BEGIN PRIVATE KEY----- and so on.",
        "client_key_mismatch": "The client key is not that of the certificate.",
        "client_key_missing": "A client certificate needs its key.",
        "client_key_too_long": "A client key has at most {most:,} characters, which hold 4096 bits of RSA.",
        "client_key_unreadable": "The stored client key cannot be read with the keys of this installation: give it again.",
        "delivery_in_flight": "This delivery is being sent at this moment.",
        "endpoint_test_not_found": "There is no such test of an endpoint.",
        "event_not_found": "There is no such event.",
        "delivery_not_found": "There is no such delivery.",
        "filter_company_no_customer": (
            "Work items are found by their customer, and this company is only a supplier: name a "
            "customer or a contract."
        ),
        "filter_guid_missing": "{webhook} needs the object's GUID.",
        "filter_guid_unexpected": "{webhook} takes a type and no GUID.",
        "filter_missing": "{webhook} needs a filter object: {allowed}.",
        "filter_object_not_found": "There is no such filter object.",
        "filter_type_invalid": "{webhook} filters by {allowed}.",
        "format_unknown": "A format is one of {formats}.",
        "header_name_invalid": "A header name consists of letters, digits and hyphens.",
        "header_name_reserved": "The header {name} belongs to HTTP or to Workwire.",
        "header_value_invalid": "A header value is at most {most} printable ASCII characters.",
        "header_value_missing": "A custom header needs a value.",
        "header_value_missing.url_changed": (
            "The URL names another host, port or scheme: give the custom header's value again, or clear the header."
        ),
        "header_value_unreadable": (
            "The stored value of the custom header cannot be read with the keys of this installation: give it again."
        ),
        "new_owner_unfit.already": "This account owns the subscription already.",
        "new_owner_unfit.feature": "This account does not hold the feature Webhooks.",
        "new_owner_unfit.filter_object": "This account may not see the object the subscription is for.",
        "new_owner_unfit.retired": "This account has been retired.",
        "new_owner_unfit.self_service": "This account is in self service and cannot subscribe to webhooks.",
        "not_paused": "This subscription is not paused.",
        "overlap_invalid": "The overlap must be between nothing and 30 days.",
        "owner_missing": "A subscription belongs to an account.",
        "range_invalid": "A range has at most {most} days.",
        "rate_invalid": "A rate is 1 to {most:,} messages a second, or none.",
        "record_or_event": "Name either a record or an event.",
        "replay_ended": "This replay has ended already.",
        "replay_not_found": "There is no such replay.",
        "replay_not_paused": "This replay is not paused but {state:replay_state}.",
        "replay_not_running": "This replay is not running but {state:replay_state}.",
        "retry_schedule_invalid": "A retry schedule has 3 to {most} pauses of 1 second to 7 days.",
        "secret_invalid": "A secret is whsec_ followed by the base64 of 24 to 64 bytes.",
        "self_service": "Self service accounts cannot subscribe to webhooks.",
        "since_before_position": (
            "The subscription begins behind a position of {moment}: its digests begin there. Leave "
            "since out, give a later moment, or say after which position to begin."
        ),
        "since_or_after": "Name either a moment or a position to begin with.",
        "states_invalid": "Only what was delivered, withheld or given up can be replayed.",
        "subscribed_already": "This form was sent already: what it made is among your subscriptions.",
        "subscription_ended": "The subscription has ended; nothing can be sent to it.",
        "subscription_not_found": "There is no such subscription.",
        "subscription_wider": "This subscription has more rights than this application.",
        "too_many_old_secrets": (
            "{most} old secrets are still valid, the first until {first}: rotate after that, or "
            "without an overlap, which ends them all."
        ),
        "too_many_replays": counted(
            "most",
            "{most} replay of this subscription has not ended yet.",
            "{most} replays of this subscription have not ended yet.",
        ),
        "too_many_subscriptions": counted(
            "most",
            "An account has at most {most} subscription; end one first.",
            "An account has at most {most} subscriptions; end one first.",
        ),
        "too_many_reach_tests": "Too many tests of connections at once or in a minute; try again in a moment.",
        "too_many_tests": "Earlier tests have not been answered yet; wait for them.",
        "version_conflict.subscription": "The subscription has been changed since it was read.",
        "webhook_not_found": "There is no such webhook.",
        "would_not_be_sent": "This message would not be sent as things are now, so it is not sent as a test either.",
        "webhook_unknown": "There is no webhook {webhook}.",
    },
    explanations={
        "owner_inactive": "The account that owns the subscription has been retired.",
        "credential_invalid": "The application credential the subscription was made with has expired or been revoked.",
        "process_builder_missing": "The owner no longer holds the feature Process Builder.",
        "filter_object_not_visible": "The owner may not see the object the subscription is for.",
        "record_not_visible": "The owner may not see the record the message is about.",
        "tried_enough": "No attempt succeeded, and there are no more.",
        "unsubscribed": "The subscription ended before the message was sent.",
        "paused_by_owner": "The owner has paused the subscription, or an administrator.",
        "endpoint_gone": "The endpoint answered that it is gone for good (410).",
        "failing_too_long": "The endpoint has failed for too long.",
        "simulated.answered": "The endpoint answered {status}.",
        "simulated.unanswered": "No answer: {detail}",
        "simulated.withheld": "Nothing was sent: {reason}.",
        "simulated.no_worker": "No worker has sent it yet; is one running?",
        "simulated.no_worker_asked": (
            "No worker has sent it yet; ask the operator of this installation whether one is running."
        ),
        "filter": "The webhook or the filter of the subscription does not match the event.",
        "filter.passed": "The webhook and the filter of the subscription match the event.",
        "record_not_visible.no_event": "There is no event of this record that the owner may see.",
        "owner_inactive.passed": "The account that owns the subscription is active.",
        "credential_invalid.passed": "The subscription was made without an application credential, or with one that is valid.",
        "process_builder_missing.passed": "The owner holds the feature Process Builder.",
        "filter_object_not_visible.passed": (
            "The owner may see the object the subscription is for, or it is for no single object."
        ),
        "record_not_visible.passed": "The owner may see the record the message is about.",
    },
    words={
        "event_kind": {
            "SubscriptionCreated": "Subscription made",
            "SubscriptionUpdated": "Subscription changed",
            "SubscriptionSecretRotated": "New secret made",
            "SubscriptionSecretExpiring": "Old secret soon ends",
            "SubscriptionCertificateExpiring": "Certificates soon end",
            "SubscriptionEnded": "Subscription ended",
            "SubscriptionHandedOver": "Subscription handed over",
            "SubscriptionPaused": "Subscription suspended",
            "SubscriptionResumed": "Subscription resumed",
            "EndpointFailing": "Endpoint fails",
            "EndpointRecovered": "Endpoint is well again",
            "AccessLost": "Messages withheld",
            "AccessBack": "Messages sent again",
            "MessageSimulated": "Test sent",
            "DeliveriesRepeated": "Delivery sent again",
            "ReplayStarted": "Replay started",
            "ReplayPaused": "Replay suspended",
            "ReplayResumed": "Replay resumed",
            "ReplayCancelled": "Replay cancelled",
            "ReplayFinished": "Replay finished",
            "EpochBegan": "Epoch began",
            "BacklogExpired": "Backlog expired",
        },
        "replay_state": {
            "running": "running",
            "paused": "paused",
            "finished": "finished",
            "cancelled": "cancelled",
        },
    },
)
