"""The pages people use, and the three addresses machines ask whether all is well.

One folder for each room as the product grows; so far the start page, signing in and the delivery log.
"""
