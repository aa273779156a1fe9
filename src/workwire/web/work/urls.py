"""Addresses of the pages of work items: by reference, as people name them, and by GUID."""

from django.urls import path, re_path

from workwire.rooms.work.deeds import Deed
from workwire.web.work import (
    deed_pages,
    divide_pages,
    file_pages,
    flow_pages,
    focus_pages,
    home_page,
    item_list,
    item_page,
    link_pages,
    merge_page,
    new_item,
    new_work,
    saying,
)

_OWN_PAGES = {
    Deed.REWORK: flow_pages.rework,
    Deed.LAUNCH_ACTION: flow_pages.launch_action,
    Deed.LAUNCH_SUB_CASE: flow_pages.launch_sub_case,
    Deed.MERGE: merge_page.merge,
    Deed.SPLIT: divide_pages.split,
    Deed.CONVERT: divide_pages.convert,
    Deed.LINK: link_pages.link,
}  # deeds that ask for more than one form can

urlpatterns = [
    path("home", home_page.home, name="home"),
    path("get-work", home_page.get_work, name="home-get-work"),
    path("focus", focus_pages.put, name="home-focus"),
    path("focus/move", focus_pages.move, name="home-focus-move"),
    path("focus/take-off", focus_pages.take_off, name="home-focus-take-off"),
    path("work", item_list.work, name="work"),
    path("new", new_work.new_work, name="new-work"),
    path("new/<uuid:guid>", new_item.new_item, name="new-item"),
    path("work/<uuid:guid>", item_page.item, name="work-item"),
    *(
        path(f"work/<uuid:guid>/{name}", deed_pages.do_deed, {"deed": deed}, name=f"work-item-{name}")
        for deed in Deed
        if deed not in _OWN_PAGES
        for name in [deed.replace("_", "-")]
    ),
    *(
        path(f"work/<uuid:guid>/{name}", view, name=f"work-item-{name}")
        for deed, view in _OWN_PAGES.items()
        for name in [deed.replace("_", "-")]
    ),
    path("work/<uuid:guid>/linked", link_pages.begin_linked, name="work-item-linked"),
    path("work/<uuid:guid>/unlink/<uuid:other>", link_pages.unlink, name="work-item-unlink"),
    path("work/<uuid:guid>/checklist/<uuid:line>", deed_pages.check_line, name="work-item-check"),
    path("work/<uuid:guid>/attach", file_pages.attach, name="work-item-attach"),
    path("files/<uuid:guid>", file_pages.download, name="file"),
    path("work/<uuid:guid>/say", saying.say, name="work-item-say"),
    path("work/<uuid:guid>/mail", saying.mail, name="work-item-mail"),
    re_path(r"^work/(?P<reference>[0-9]{1,20}-[0-9A-Za-z.-]{1,40})$", item_page.item, name="work-item-by-reference"),
]
