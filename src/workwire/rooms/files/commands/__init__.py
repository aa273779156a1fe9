"""The only writer of files and file tags."""

from workwire.rooms.files.commands.keeping import FileWish, TagWish, copy, keep, keep_attachment
from workwire.rooms.files.commands.tagging import create_tag, update_tag
from workwire.rooms.files.commands.uploading import SWEEPING, prepare

__all__ = ["SWEEPING", "FileWish", "TagWish", "copy", "create_tag", "keep", "keep_attachment", "prepare", "update_tag"]
