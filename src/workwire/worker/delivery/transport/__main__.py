"""The process of `child_process`: not to be started by hand."""

import sys

from workwire.kernel import collector
from workwire.worker.delivery.transport.child_process import serve

_, descriptor, in_all, per_host, ca_bundle, *networks = sys.argv
collector.spare()
serve(int(descriptor), int(in_all), int(per_host), ca_bundle, networks)
