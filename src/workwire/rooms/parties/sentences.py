"""What the codes of companies, contracts and contacts say."""

from workwire.kernel.wording import register

register(
    "parties",
    refusals={
        "company_kind_in_use.customer": "The company has contracts or companies below it.",
        "company_kind_in_use.supplier": "The company supplies contracts.",
        "company_kind_missing": "A company must be a customer, a supplier or both.",
        "company_name_taken": "The name is taken by another company.",
        "company_not_found": "There is no such company.",
        "contact_email_taken": "A contact with this mail address exists already.",
        "contact_not_found": "There is no such contact.",
        "contact_tag_built_in": "Of a built-in contact tag only the description can be changed.",
        "contact_tag_name_taken": "A contact tag with this name exists already.",
        "contact_tag_not_found": "There is no such contact tag.",
        "contract_name_taken": "The name is taken by this customer.",
        "contract_not_found": "There is no such contract.",
        "customer_invalid": "The company named as customer is not a customer.",
        "language_invalid": "A language is written like en or pt-BR.",
        "parent_invalid.company": "A parent must be another customer that has no parent itself.",
        "parent_invalid.is_parent": "A company that has companies below it cannot get a parent.",
        "service_name_taken": "The name is taken by this contract.",
        "service_not_found": "There is no such service.",
        "supplier_invalid": "The company named as supplier is not a supplier.",
        "version_conflict.company": "The company has been changed since it was read.",
        "version_conflict.contact": "The contact has been changed since it was read.",
        "version_conflict.contact_tag": "The contact tag has been changed since it was read.",
        "version_conflict.contract": "The contract has been changed since it was read.",
    },
    words={
        "event_kind": {
            "ContractCreated": "Contract made",
            "ContractUpdated": "Contract changed",
            "ServiceCreated": "Service made",
            "ContactCreated": "Contact made",
            "ContactUpdated": "Contact changed",
            "ContactTagCreated": "Contact tag made",
            "ContactTagUpdated": "Contact tag changed",
            "BusinessObjectCreated": "Company or schedule made",
            "BusinessObjectUpdated": "Company or schedule changed",
        },
    },
    explanations={
        "sight_contact.global": "It is a contact of all companies.",
        "sight_contact.of_company": "It is a contact of one company, so that one decides.",
    },
)
