"""The process of `apart`: not to be started by hand."""

import sys

from workwire.dispatcher.transport.apart import serve
from workwire.kernel import collector

_, descriptor, in_all, per_host, ca_bundle, *networks = sys.argv
collector.spare()
serve(int(descriptor), int(in_all), int(per_host), ca_bundle, networks)
