"""The domain: one folder for each room, every room with the same files.

``models`` (tables, constraints, pure transitions) · ``events`` (typed events with a sample) · ``policy`` (who may) ·
``queries`` (how to look, always as an actor) · ``commands`` (the only writer) · ``listeners``. A missing file means none.
"""
