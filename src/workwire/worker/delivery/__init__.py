"""Deliveries on their way: fanned out, claimed, checked, signed, sent and settled.

``engine`` the loop that owns all decisions · ``claiming`` which deliveries are taken next · ``endpoints`` how receivers do and
how much each may have under way · ``settler`` settles beside the loop · ``transport`` HTTP, in a process of its own.
"""
