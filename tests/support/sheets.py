"""Spreadsheets of new work."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import openpyxl

from tests.support.organisation import Customer

HEADINGS = ("Customer", "Contract", "Service", "Process", "Title", "Description", "Category 1", "Category 2")


def place(customer: Customer, process: str = "Repair") -> tuple[str, ...]:
    """The cells that say where work belongs."""
    return (customer.company.name, customer.contract.name, customer.service.name, process)


def ticket(customer: Customer, title: str = "Broken chair", *more: Any) -> tuple[Any, ...]:
    """The cells of a ticket below the headings, and more behind them."""
    return (*place(customer), title, "It has three legs.", "Money", "Late payment", *more)


def of_tickets(customer: Customer, *titles: str) -> bytes:
    """A file with a line for each title."""
    return of_lines([ticket(customer, title) for title in titles])


def of_lines(lines: Sequence[Sequence[Any]], head: Sequence[str] = HEADINGS, sheets: int = 1) -> bytes:
    """A file with these lines on the first of its sheets."""
    book = openpyxl.Workbook()
    page: Any = book.active
    for line in (head, *lines):
        page.append(list(line))
    for _ in range(sheets - 1):
        book.create_sheet()
    made = BytesIO()
    book.save(made)
    return made.getvalue()
