"""What accounts keep an eye on: the work items they follow, their focus lists, and what they opened last.

Words: *follow* (be told what happens to a work item that is not one's own), *focus list* (the items an account wants to get
to, in the order it gives them), *recent items* (the last twenty an account opened).
Invariants: only the account itself follows and puts on its list, what it sees; nobody follows a draft or a closed item; a
focus list holds at most fifty items. A closed item loses its followers, a resolved or closed one leaves the focus lists; a
resolved one may be put back by hand. Both are about a person: they are no change of the work item.
"""
