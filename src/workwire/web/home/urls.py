"""Addresses of the first pages."""

from django.urls import path

from workwire.web.home import signing_in, start

urlpatterns = [
    path("", start.start, name="start"),
    path("sign-in", signing_in.sign_in, name="sign-in"),
    path("sign-out", signing_in.sign_out, name="sign-out"),
]
