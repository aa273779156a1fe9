"""Workwire: open, self-hosted work orchestration whose heart is a webhook provider."""

__version__ = "0.1.0"
