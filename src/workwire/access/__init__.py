"""Who may do and see what.

Words: *user* (operational, self service or robot), *role* (a named set of features), *feature* (the right to a kind of
deed), *user group* and *data permission* (the right to see what lies under a company, contract, service or process),
*application credential* (client id and secret by which a machine acts as a user), *token* (proof of a login).
Invariants: deny by default; a role's features and the data permissions both must pass; a permission on a higher object
allows what lies below it; passwords, tokens and client secrets are never stored, only what checks them.
"""
