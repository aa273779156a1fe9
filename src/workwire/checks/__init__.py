"""Checks: whether an installation is as it should be, and what to do where it is not.

`workwire doctor`, a page of the operators and an operation of the API make the same checks. What a check finds is a statement
and an advice; no finding holds a secret, and what only the owner of the machine may read is in its `named`.
"""
