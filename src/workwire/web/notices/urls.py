"""Addresses of the notices."""

from django.urls import path

from workwire.web.notices import notice_list

urlpatterns = [path("notices", notice_list.notices, name="notices")]
