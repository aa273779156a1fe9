"""The files of a case in a folder."""
