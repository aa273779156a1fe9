"""The process of `child_process`: not to be started by hand."""

import sys

from workwire.kernel import collector
from workwire.worker.delivery.transport.child_process import serve

collector.spare()
serve(int(sys.argv[1]))
