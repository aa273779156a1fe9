"""How far the full-text index is; its own tables are no models (see `full_text`)."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock


class Kind(models.IntegerChoices):
    """The kinds of record that are found."""

    ITEM = 1, "work_item"
    COMMUNICATION = 2, "communication"
    CONTACT = 3, "contact"
    ACCOUNT = 4, "account"
    FILE = 5, "file"


class KindIndex(models.Model):
    """How far the documents of a kind are: all there in a `form` (0 for not all), asked for `anew` so many times."""

    kind = models.SmallIntegerField(unique=True)  # a Kind
    form = models.PositiveSmallIntegerField(default=0)
    anew = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"the index of {Kind(self.kind).label} in form {self.form}"
