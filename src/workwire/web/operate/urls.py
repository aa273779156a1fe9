"""Addresses of the operator's pages."""

from django.urls import path

from workwire.web.operate import overview

urlpatterns = [path("operate", overview.operate, name="operate")]
