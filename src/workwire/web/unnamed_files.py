"""Where a large upload waits while its request is worked on: in a file without a name.

Guarantee: nothing is left in the temporary folder, however the process ends, so nothing has to be swept.
"""

from __future__ import annotations

import tempfile
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class UnnamedFiles(FileUploadHandler):
    """Keep what memory is too small for on the disk; it goes when it is closed, and with the process."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        content = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the upload
        self.file: UploadedFile[bytes] = UploadedFile(
            content, self.file_name, self.content_type, 0, self.charset, self.content_type_extra
        )

    def receive_data_chunk(self, raw_data: bytes, _start: int) -> None:
        """Keep a piece."""
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        """The file, to be read from its beginning."""
        self.file.seek(0)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        """Forget what has come."""
        if hasattr(self, "file"):
            self.file.close()
