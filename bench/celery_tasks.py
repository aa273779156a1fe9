"""The Celery baseline: a job for each delivery, as one would write it on an afternoon. Runs in an environment of its own.

`python celery_tasks.py COUNT URL …` fills the queue; `celery -A celery_tasks worker` drains it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import sys
import time
import uuid

import requests
from celery import Celery

SECRET = b"0123456789abcdef0123456789abcdef"
app = Celery("celery_tasks", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
session = requests.Session()


@app.task(autoretry_for=(requests.RequestException,), retry_backoff=True, max_retries=8)
def deliver(url: str, message_id: str, body: str) -> None:
    """Sign a message and post it."""
    stamp, content = str(int(time.time())), body.encode()
    signed = hmac.new(SECRET, f"{message_id}.{stamp}.".encode() + content, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "Webhook-Id": message_id,
        "Webhook-Timestamp": stamp,
        "Webhook-Signature": "v1," + base64.b64encode(signed).decode(),
    }
    session.post(url, data=content, headers=headers, timeout=15).raise_for_status()


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        urls = sys.argv[2:]
        # by its full name: in this process the module is __main__
        app.send_task("celery_tasks.deliver", (urls[number % len(urls)], str(uuid.uuid4()), os.environ["BODY"]))
