"""Tests of the settings of one's own account."""
