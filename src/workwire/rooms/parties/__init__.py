"""For whom work is done: companies, contracts, services, contacts.

Words: *company* (customer, supplier or both; may have one parent), *contract* (a supplier serves a customer), *service* (a
service line offered under a contract), *contact* (an outside person, of one company or global), *contact tag* (what a
contact is to a work item).
Invariants: company names are unique; contract names are unique per customer; a parent has no parent itself; a company is
seen by who is granted it or its parent, a contract also by who is granted the customer, and so on downwards; a mail
address is one contact of a company, or one global contact.
"""
