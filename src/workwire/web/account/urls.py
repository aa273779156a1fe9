"""Addresses of the settings of one's own account."""

from django.urls import path

from workwire.web.account import own_account

urlpatterns = [path("settings/me", own_account.me, name="me")]
