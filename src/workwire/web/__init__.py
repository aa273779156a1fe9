"""The pages people use, and the three addresses machines ask whether all is well.

One module and one folder of templates for each room as the product grows; so far the start page, signing in, and work items
with the steps of their due dates.
"""
