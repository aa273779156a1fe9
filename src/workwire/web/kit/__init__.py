"""What every page is made of: the shell, the look, the parts, and `@page`, which turns a view into answers.

Guarantees: a page knows nothing of rooms; an error of a command or query becomes a page or an error of a form, never a trace;
every word on a page can be translated; nothing here needs JavaScript.
"""
