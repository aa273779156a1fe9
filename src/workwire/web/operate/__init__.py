"""Pages for who runs the installation: whether all is well and, if not, why and what to do."""
