"""Talking outward: the only place that opens connections to addresses other people chose.

Words: *request* (one POST to make), *answer* (how it went, always exactly one), *exchange* (a request and its answer on
one libcurl handle), *round_robin* (whose request goes next), *guard* (the judgement on an address at connect).
Guarantees: see `port` for what the engine relies on, `loop` for threads and bounds, `child_process` for the process they run
in, `exchange` for what is off and what is limited, and `workwire.kernel.addresses` for the rules of the guard. Expected
failures are answers, never exceptions.
"""

from workwire.worker.delivery.transport.child_process import ChildProcessTransport
from workwire.worker.delivery.transport.loop import ThreadTransport
from workwire.worker.delivery.transport.port import Answer, MakeTransport, Request, Transport, TransportClosed
from workwire.worker.delivery.transport.proxy import Proxy

__all__ = [
    "Answer",
    "ChildProcessTransport",
    "MakeTransport",
    "Proxy",
    "Request",
    "ThreadTransport",
    "Transport",
    "TransportClosed",
]
