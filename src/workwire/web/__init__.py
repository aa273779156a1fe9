"""The pages people use, and the three addresses machines ask whether all is well.

`kit` holds the shell and the parts all pages are made of; every other folder is an area: its addresses, one module per page,
its templates.
"""
