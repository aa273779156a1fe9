"""The process of `apart`: not to be started by hand."""

import sys

from workwire.dispatcher.transport.apart import serve

_, descriptor, in_all, per_host, ca_bundle, *networks = sys.argv
serve(int(descriptor), int(in_all), int(per_host), ca_bundle, networks)
