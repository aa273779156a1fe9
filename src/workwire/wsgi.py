"""The web application, for any WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workwire.settings")
application = get_wsgi_application()


def _learn_the_time() -> None:
    from workwire.outbox import database_time

    database_time.learn_if_there()


_learn_the_time()  # the first request too is reckoned by the database's time
