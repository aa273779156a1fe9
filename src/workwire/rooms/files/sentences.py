"""What the codes of files say."""

from workwire.kernel.wording import register

register(
    "files",
    refusals={
        "email_attachment_cannot_be_retired": "An attachment of a mail is not removed.",
        "email_attachment_must_have_guid": "An attachment of a mail is named by its GUID; it cannot be made here.",
        "file_content_not_found": "There is no such file content.",
        "file_data_or_temporary": "A new file has its data or a temporary file, not both.",
        "file_data_required": "A new file needs its data.",
        "file_data_update_not_allowed": "The content of a file is never changed; add another one.",
        "file_name_changed": "The name of a file is never changed.",
        "file_name_required": "A new file needs a name.",
        "file_name_required.upload": "A file needs a name.",
        "file_replace_not_allowed": "A file is not replaced; add another one.",
        "file_tag_name_taken": "A file tag with this name exists already.",
        "file_tag_not_found": "There is no such file tag.",
        "file_tag_not_found.retired": "The file tag '{tag}' is retired.",
        "file_too_large": "A file has at most {most} MiB.",
        "item_file_not_found": "The work item has no such file.",
        "temporary_file_not_found": "There is no such temporary file, or it was used before.",
        "too_many_files": "At most {most} files are changed at once.",
        "version_conflict.file_tag": "The file tag has been changed since it was read.",
    },
    words={
        "event_kind": {
            "FileTagCreated": "File tag made",
            "FileTagUpdated": "File tag changed",
            "TemporaryFileUploaded": "File uploaded",
        },
    },
)
