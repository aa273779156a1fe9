"""Logs in, creates a ticket once, changes it, and meets a version that has passed, by the client that openapi-generator makes.
From the environment: BASE, ACCOUNT, PASSWORD."""

from __future__ import annotations

import os
import time
from http import HTTPStatus

import openapi_client  # type: ignore[import-not-found]  # generated


def main() -> None:
    """Fail where anything is otherwise."""
    configuration = openapi_client.Configuration(host=os.environ["BASE"])
    login = openapi_client.Login(username=os.environ["ACCOUNT"], password=os.environ["PASSWORD"])
    session = openapi_client.SessionsApi(openapi_client.ApiClient(configuration)).create_token(login)
    client = openapi_client.ApiClient(
        configuration, header_name="Authorization", header_value=f"Bearer {session.token}"
    )
    work = openapi_client.WorkApi(client)
    version = openapi_client.OfferingApi(client).list_process_versions(kind="ticket").items[0].guid
    wish = openapi_client.ItemIn(process_version=version, title="Made by a Python client")
    key = f"flow-{time.time_ns()}"
    made = work.create_ticket(wish, key)
    if work.create_ticket(wish, key).guid != made.guid:
        raise SystemExit("one key made two tickets")
    change = openapi_client.ItemFields(title="Changed by a Python client")
    changed = work.update_work_item(made.guid, '"1"', change)
    if changed.title != change.title:
        raise SystemExit(f"its title is {changed.title}")
    try:
        work.update_work_item(made.guid, '"1"', change)
    except openapi_client.ApiException as refused:
        if refused.status != HTTPStatus.PRECONDITION_FAILED:
            raise
    else:
        raise SystemExit("a version that has passed was changed")


main()
