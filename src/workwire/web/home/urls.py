"""Addresses of the first pages."""

from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from workwire.web.home import signing_in, start

urlpatterns = [
    path("", start.start, name="start"),
    path("favicon.ico", RedirectView.as_view(url=static("kit/favicon.svg"))),
    path("sign-in", signing_in.sign_in, name="sign-in"),
    path("sign-in/code", signing_in.second_step, name="second-step"),
    path("sign-out", signing_in.sign_out, name="sign-out"),
]
