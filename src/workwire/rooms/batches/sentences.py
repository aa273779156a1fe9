"""What the codes of batches say."""

from workwire.kernel.wording import register

register(
    "batches",
    refusals={
        "batch_items_invalid": "Name between 1 and {most:,} work items.",
        "batch_kind_invalid": "Tickets and cases are created from a sheet, actions are not.",
        "batch_not_checked": "This batch was started before, or is not one of a sheet.",
        "batch_not_found": "There is no such batch.",
        "batch_note_too_long": "The note has at most {most:,} characters.",
        "batch_without_account": "The account, or the application it came through, counts no more.",
        "batch_without_rows": "No row of this sheet can be done.",
        "sheet_empty": "The first sheet of the file is empty.",
        "sheet_too_large": "The file holds more than {most} MiB.",
        "sheet_too_long": "A sheet has at most {most:,} rows.",
        "sheet_too_wide": "A sheet has at most {most} columns.",
        "sheet_unreadable": "The file is no spreadsheet that can be read; save it as .xlsx.",
        "too_many_batches": "You have {most} batches that have not ended.",
    },
    explanations={
        "batch.category_not_below": "'{value}' is no category below the one before.",
        "batch.category_unknown": "There is no category '{value}'.",
        "batch.column_missing": "The column is missing.",
        "batch.column_twice": "The column is there twice.",
        "batch.column_unknown": "No field is called like this column.",
        "batch.column_unsupported": "A field of this kind is not read from a sheet.",
        "batch.contract_unknown": "The customer has no contract '{value}', or you may not start work in it.",
        "batch.customer_unknown": "There is no customer '{value}', or you may not start work for it.",
        "batch.nobody_at_address": "The customer has no contact with the address '{value}'.",
        "batch.process_not_live": "The process '{value}' has no live version.",
        "batch.process_unknown": "The service has no process '{value}', or you may not start it.",
        "batch.schedule_unsupported": "A case that follows a schedule is not created from a sheet.",
        "batch.service_unknown": "The contract has no service '{value}', or you may not start work in it.",
        "batch.several_sheets": "The file has several sheets; only the first was read.",
        "batch.title_taken": "There is work with the title '{value}' already.",
        "batch.title_twice_in_sheet": "Row {line} has the title '{value}', too.",
        "batch.value_blank": "The value is missing.",
        "batch.value_invalid": "'{value}' does not fit this column.",
    },
    words={
        "event_kind": {
            "BatchMade": "Batch made",
            "BatchStarted": "Batch started",
            "BatchEnded": "Batch ended",
        },
    },
)
