"""Work items: reading and writing them (`items`), moving them (`moves`), what lies in them (`inside`), queues."""

from ninja import Router

from workwire.api.v1.work import inside, items, moves, queues

router = Router(tags=["work"])
for _part in (items, moves, inside, queues):
    router.add_router("", _part.router)
