"""Addresses of the pages of work items: by reference, as people name them, and by GUID."""

from django.urls import path, re_path

from workwire.web.work import item_list, item_page

urlpatterns = [
    path("work", item_list.work, name="work"),
    path("work/<uuid:guid>", item_page.item, name="work-item"),
    re_path(r"^work/(?P<reference>[0-9]{1,20}-[0-9A-Za-z.-]{1,40})$", item_page.item, name="work-item-by-reference"),
]
