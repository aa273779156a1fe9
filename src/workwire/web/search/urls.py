"""The address of the search."""

from django.urls import path

from workwire.web.search import search_page

urlpatterns = [path("search", search_page.search, name="search")]
