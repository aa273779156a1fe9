"""Tests of the notices page."""
