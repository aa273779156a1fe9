"""Work items: reading and writing them (`items`), moving them (`moves`), how cases flow (`flows`), what lies in them
(`item_records`), how they are related (`item_relations`), queues, job positions, and the lists one works from."""

from ninja import Router

from workwire.api.v1.work import flows, item_records, item_relations, items, job_positions, moves, queues, work_lists

router = Router(tags=["work"])
for _part in (items, moves, flows, item_records, item_relations, queues, job_positions, work_lists):
    router.add_router("", _part.router)
