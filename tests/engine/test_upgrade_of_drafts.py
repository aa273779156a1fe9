"""Versions that were made before parts had identities have them afterwards, and can be copied and edited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.support.organisation import Customer
from workwire.kernel.actor import SYSTEM
from workwire.rooms.offering import commands
from workwire.rooms.offering.models import ActionDefinition, CaseStep, FlowNode, VersionState
from workwire.rooms.offering.version_graphs import graph_of

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = ("catalogue", "0010_rules_of_tickets")


@pytest.fixture
def old_models(transactional_db: None) -> Iterator[Any]:
    """The models of the release before; afterwards all migrations are applied again, whatever happened."""
    yield lambda: _migrated([BEFORE])
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def _migrated(targets: list[tuple[str, str]]) -> Any:
    MigrationExecutor(connection).migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


def test_parts_of_today_have_identities_and_several_drafts_stay(first: Customer, old_models: Any) -> None:
    live = first.case_version
    drawn = ActionDefinition.objects.filter(step__version=live, step__number__gt=0).order_by("pk").first()
    assert drawn is not None
    key = uuid4()
    FlowNode.objects.filter(definition=drawn).update(key=key)

    before = old_models()
    version = before.get_model("catalogue", "ProcessVersion")
    drafts = [version.objects.create(process_id=live.process_id, number=number) for number in (7, 8)]
    category = before.get_model("catalogue", "TicketCategory").objects.get(pk=first.category.pk)
    _migrated(MigrationExecutor(connection).loader.graph.leaf_nodes())

    drawn.refresh_from_db()
    first.category.refresh_from_db()
    assert (drawn.key, drawn.identity) == (key, key)
    assert (first.category.key, first.category.identity) == (None, category.guid)
    others = ActionDefinition.objects.filter(step__version=live).exclude(pk=drawn.pk)
    assert [one.key for one in others] == [None] * len(others)
    live.refresh_from_db()
    assert live.revision == 1
    drafted = live.process.versions.filter(state=VersionState.DRAFT)
    assert {one.pk for one in drafted} == {one.pk for one in drafts}
    for draft in drafted:
        commands.set_version_state(draft, VersionState.ARCHIVE, by=SYSTEM)
    copy = commands.copy_version(live, by=SYSTEM)
    assert {node.key for node in graph_of(copy.pk).graph.nodes} == {node.key for node in graph_of(live.pk).graph.nodes}
    identities = [{step.identity for step in CaseStep.objects.filter(version=one)} for one in (live, copy)]
    assert identities[0] == identities[1]
