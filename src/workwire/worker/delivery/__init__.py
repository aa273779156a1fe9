"""Deliveries on their way: fanned out, claimed, checked, signed, sent and settled.

``engine`` the loop · ``claiming`` which deliveries are taken next · ``sending`` claim, check, hand over · ``answers`` what
came back, settled by ``settler`` beside the loop · ``unsettled`` what is between the two · ``endpoints`` how receivers do and
how much each may have under way · ``transport`` HTTP, in a process of its own · ``bell`` what wakes the loop.
"""
