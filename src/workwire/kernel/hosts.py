"""Host names and mail domains as the network spells them: in ASCII, by IDNA 2008.

Guarantee: `faß.example` and `fass.example` are two names, as registries have it (UTS 46 non-transitional processing); what is
spelled differently and means the same name comes out the same.
"""

from __future__ import annotations

import idna


def ascii_name(name: str) -> str:
    """A name in ASCII and small letters, full-width digits and dots made ordinary; raises ValueError where IDNA knows no such
    name. Whether what is in ASCII already is a name is not judged."""
    if name.isascii():
        return name.lower()
    mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
    return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in mapped.split("."))


def ascii_address(address: str) -> str:
    """A mail address with its domain in ASCII; what is no address comes back as it is. Raises ValueError."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{ascii_name(domain)}"
