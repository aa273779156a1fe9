"""A web form whose answers become tickets."""
