"""What others rely on, as committed files: an unintended change fails here. `WORKWIRE_TEST_RENEW=1` writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from workwire.api.v1 import api
from workwire.cli.docs import reference
from workwire.outbox.registry import event_types, webhooks
from workwire.reactions.webhooks import catalogue

HERE = Path(__file__).parent
REFERENCE = HERE.parents[1] / "docs" / "reference"


def compare(name: str, content: Any) -> None:
    """Compare with the committed file."""
    path, text = HERE / name, json.dumps(content, indent=2, sort_keys=True) + "\n"
    if os.environ.get("WORKWIRE_TEST_RENEW"):
        path.write_text(text)
    assert path.read_text() == text, f"{name} changed; if that is meant, run again with WORKWIRE_TEST_RENEW=1"


def test_the_catalogue_is_as_committed() -> None:
    compare("webhooks.json", catalogue.entries())


def test_the_openapi_document_is_as_committed() -> None:
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    assert document["openapi"].startswith("3.1")
    assert set(document["webhooks"]) == {hook.name for hook in webhooks().values()}
    compare("openapi.json", json.loads(json.dumps(document, default=str)))


def test_the_webhooks_have_the_documented_numbers_and_names() -> None:
    assert {hook.number: hook.name for hook in webhooks().values()} == {
        0: "PacketCreated",
        1: "PacketUpdated",
        2: "NewCommunication",
        3: "BusinessObjectCreated",
        4: "SpecificBusinessObjectUpdated",
        5: "BusinessObjectTypeUpdated",
    }
    other_name = catalogue.by_name_or_number("businessobjectupdated")
    assert other_name is not None
    assert other_name.number == 5


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry["name"])
def test_every_sample_fits_its_schema(entry: dict[str, Any]) -> None:
    Draft202012Validator(entry["schema"]).validate(entry["sample"])


def test_event_bodies_have_the_documented_keys() -> None:
    packet = (
        "CustomerName SupplierName ContractName ServiceName ServiceLineName ProcessTypeName Reference Title Status "
        "DueDate ResolvedOn RAGStatus ProcessType StartedByMethod GUID"
    ).split()
    keys = {name: list(body.model_fields) for name, body in event_types().items()}
    assert keys["WorkItemCreated"] == packet
    assert keys["WorkItemUpdated"] == [*packet, "Previous"]
    assert (
        keys["NewCommunication"] == "Sender From CC Subject AttachmentCount CommunicationType GUID PacketGUID".split()
    )
    assert keys["BusinessObjectCreated"] == ["GUID", "Name", "ObjectType"]
    assert keys["BusinessObjectUpdated"] == ["GUID", "Name", "ObjectType", "Previous"]


def test_the_generated_pages_are_up_to_date() -> None:
    assert reference.out_of_date(REFERENCE) == []
