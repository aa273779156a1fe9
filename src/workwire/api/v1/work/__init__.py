"""Work items: reading and writing them (`items`), moving them (`moves`), what lies in them (`item_records`), queues."""

from ninja import Router

from workwire.api.v1.work import item_records, items, moves, queues

router = Router(tags=["work"])
for _part in (items, moves, item_records, queues):
    router.add_router("", _part.router)
