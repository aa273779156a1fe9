"""Addresses of the kit."""

from django.urls import path

from workwire.web.kit import choosing, icons, specimens

urlpatterns = [
    path("look", choosing.choose_look, name="look"),
    path("kit", specimens.kit, name="kit"),
    path("kit/icons.svg", icons.icons, name="kit-icons"),
]
