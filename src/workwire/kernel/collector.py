"""How often Python looks for garbage in a process that serves for long."""

from __future__ import annotations

import gc


def spare() -> None:
    """Look for garbage rarely, and never among what is there from the start: requests and deliveries are many objects that
    live until they are answered, and looking at all of them again and again took a tenth of the processor time of a web
    process and of a worker."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
