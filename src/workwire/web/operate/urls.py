"""Addresses of the operator's pages."""

from django.urls import path

from workwire.web.operate import audit_page, overview

urlpatterns = [
    path("operate", overview.operate, name="operate"),
    path("operate/audit", audit_page.audit, name="audit"),
]
