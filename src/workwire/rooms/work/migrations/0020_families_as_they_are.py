"""Carry what cases, their actions, their sub-cases and their tickets have into families.

Of custom data that several of a family have, the value of the action or sub-case that changed last counts, then that of the case,
which began with that of the ticket; what it was at the others stands in the history. Contacts of actions become those of their cases, tags that only one may hold stay where they are.
"""

from itertools import groupby
from operator import attrgetter

from django.db import migrations
from django.db.models import F, OuterRef, Q, Subquery

CASE, TICKET, ACTION = 1, 2, 3
BATCH = 500


def join_families(apps, _editor):
    """Name the outermost case at each action and sub-case, and at the ticket that it was made for."""
    items = apps.get_model("work", "WorkItem").objects
    above = items.filter(pk=OuterRef("parent"))
    lies_in_outermost = Q(parent__parent=None) | ~Q(parent__parent__kind=CASE)
    outermost = items.filter(lies_in_outermost, parent__kind=CASE, family=None)
    items.filter(pk__in=outermost.values("pk")).update(family=F("parent"))
    deeper = items.filter(parent__kind=CASE, family=None, parent__family__isnull=False)
    while items.filter(pk__in=deeper.values("pk")).update(family=Subquery(above.values("family"))):
        pass
    case = items.filter(parent=OuterRef("pk"), kind=CASE).order_by("pk")
    converted = items.filter(kind=TICKET, family=None, children__kind=CASE)
    items.filter(pk__in=converted.values("pk")).update(family=Subquery(case.values("pk")[:1]))


def share_custom_data(apps, _editor):
    """Gather the custom data of each family at its outermost case."""
    item = apps.get_model("work", "WorkItem")
    giving = item.objects.filter(family__isnull=False).exclude(custom_data={})
    columns = ("pk", "family_id", "kind", "parent_id", "custom_data", "updated_at")
    rows = giving.only(*columns).order_by("family_id").iterator(BATCH)
    kept = []
    for number, members in groupby(rows, key=attrgetter("family_id")):
        case = item.objects.only("pk", "custom_data", "data_origins", "updated_at").get(pk=number)
        _gather(case, list(members))
        kept.append(case)
        if len(kept) == BATCH:
            item.objects.bulk_update(kept, ["custom_data", "data_origins"])
            kept = []
    item.objects.bulk_update(kept, ["custom_data", "data_origins"])
    giving.update(custom_data={})


def _gather(case, members):
    by_change = sorted([case, *members], key=lambda one: (_rank(one, case), one.updated_at, one.pk))
    values, origins = {}, {}
    for one in by_change:
        origin = case.pk if one.pk == case.pk else one.parent_id if one.kind == ACTION else one.pk
        for name, value in one.custom_data.items():
            values[name] = value
            origins[name] = origin
    case.custom_data = values
    case.data_origins = {name: origin for name, origin in origins.items() if origin != case.pk}


def _rank(one, case):
    """How much a value counts: a ticket gave its case what it had, and changed after that by itself alone."""
    return 0 if one.kind == TICKET else 1 if one.pk == case.pk else 2


def share_contacts(apps, _editor):
    """Move the contacts of actions to their cases."""
    contact = apps.get_model("work", "ItemContact")
    of_actions = contact.objects.filter(item__kind=ACTION).select_related("item").prefetch_related("tags")
    for row in of_actions.order_by("pk").iterator(BATCH):
        of_case = contact.objects.filter(item=row.item.parent_id)
        there = of_case.filter(contact=row.contact_id, user=row.user_id).first()
        tags = [tag for tag in row.tags.all() if tag.allow_multiple or not of_case.filter(tags=tag).exists()]
        if there is None:
            row.item_id = row.item.parent_id
            row.save(update_fields=["item"])
            row.tags.set(tags)
        else:
            there.tags.add(*tags)
            row.delete()


class Migration(migrations.Migration):

    dependencies = [
        ("work", "0019_families"),
        ("parties", "0004_names_by_key"),
    ]

    operations = [
        migrations.RunPython(join_families, migrations.RunPython.noop),
        migrations.RunPython(share_custom_data, migrations.RunPython.noop),
        migrations.RunPython(share_contacts, migrations.RunPython.noop),
    ]
