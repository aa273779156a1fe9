"""What the codes of defects say."""

from workwire.kernel.wording import register

register(
    "defects",
    refusals={
        "affected_records_invalid": "The number of affected records is at least 1.",
        "defect_category_not_found": "There is no such defect category.",
        "defect_category_not_leaf": "A defect names a category that has no others below it.",
        "defect_category_not_of_line": "The service line of the work item has no such defect category.",
        "defect_category_retired": "The defect category '{category}' is retired.",
        "defect_kept": "A defect is removed only while its work item is in progress; resolve it.",
        "defect_name_taken": "Another one has this name already.",
        "defect_not_found": "There is no such defect.",
        "defect_of_other": "Only who added a defect may change or remove it; you may resolve it.",
        "defect_parent_invalid": "The upper category must be one of this service line, above level {most}.",
        "defect_party_not_found": "There is no such party at fault.",
        "defect_party_retired": "The party at fault '{party}' is retired.",
        "version_conflict.defect": "The defect has been changed since it was read.",
        "version_conflict.defect_category": "The defect category has been changed since it was read.",
        "version_conflict.defect_party": "The party at fault has been changed since it was read.",
    },
    words={
        "event_kind": {
            "DefectCategoryCreated": "Defect category made",
            "DefectCategoryUpdated": "Defect category changed",
            "DefectPartyCreated": "Party at fault made",
            "DefectPartyUpdated": "Party at fault changed",
        },
    },
)
