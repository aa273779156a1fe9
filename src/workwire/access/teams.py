"""Who belongs to the team of an account, along the lines of who reports to whom."""

from __future__ import annotations

from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.kernel.statements import carried_out

_TEAM = """
    WITH RECURSIVE own(id, manager) AS (SELECT id, manager_id FROM access_user WHERE id = %s),
    below(id) AS (
        SELECT id FROM access_user WHERE manager_id = %s AND %s
        UNION SELECT report.id FROM access_user report JOIN below ON report.manager_id = below.id
    )
    SELECT id FROM own
    UNION SELECT manager FROM own WHERE manager IS NOT NULL
    UNION SELECT peer.id FROM access_user peer JOIN own ON peer.manager_id = own.manager
    UNION SELECT id FROM below
"""


def team_of(actor: Actor) -> list[int]:
    """The ids of the accounts whose work an actor looks after with its own, in one statement: itself, its manager, and its
    peers, which report to the same manager; for who gives out work also all that report to it, directly or through others."""
    own = actor.user_id or 0
    with carried_out(_TEAM, [own, own, actor.has(features.ASSIGN_WORK)]) as cursor:
        return sorted(row[0] for row in cursor.fetchall())
