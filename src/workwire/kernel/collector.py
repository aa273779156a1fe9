"""Python's garbage collector in processes that serve for long."""

from __future__ import annotations

import gc


def spare() -> None:
    """Collect garbage rarely, and never look at the objects that exist at the start.

    Requests and deliveries are many objects that live until they are answered: to look at all of them again and again took a
    tenth of the processor time of a web process and of a worker.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
