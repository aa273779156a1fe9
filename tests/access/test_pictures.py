"""Pictures of accounts: which bytes may be one, what is kept of them, and who sets and removes them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support import pictures
from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import commands, picture_files, queries, sessions
from workwire.access.models import AccountPicture, User
from workwire.access.picture_files import MOST_BYTES, MOST_PIXELS
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden, Invalid, NotFound
from workwire.outbox.models import Event

KINDS: tuple[tuple[str, Callable[..., bytes], tuple[int, int]], ...] = (
    ("image/png", pictures.png, (2, 2)),
    ("image/jpeg", pictures.jpeg, (2, 3)),
    ("image/gif", pictures.gif, (1, 1)),
    ("image/webp", pictures.webp, (4, 5)),
)


@pytest.mark.parametrize(("media_type", "make", "size"), KINDS)
def test_each_kind_is_kept_without_what_does_not_show_it(
    media_type: str, make: Callable[..., bytes], size: tuple[int, int]
) -> None:
    found = picture_files.checked(make())
    assert (found.media_type, found.width, found.height) == (media_type, *size)
    assert pictures.PLACE not in found.content
    assert pictures.BEHIND not in found.content
    assert picture_files.checked(found.content) == found


@pytest.mark.parametrize(("media_type", "make", "size"), KINDS)
def test_a_picture_that_is_cut_or_too_wide_is_refused(
    media_type: str, make: Callable[..., bytes], size: tuple[int, int]
) -> None:
    whole = picture_files.checked(make()).content
    for length in range(len(whole)):
        with pytest.raises(Invalid) as refused:
            picture_files.checked(whole[:length])
        assert refused.value.code == "picture_unreadable", (media_type, size, length)
    for wrong in ((MOST_PIXELS + 1, 1), (1, MOST_PIXELS + 1)):
        with pytest.raises(Invalid) as refused:
            picture_files.checked(make(*wrong))
        assert refused.value.code == "picture_too_wide"


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n" + pictures.png()[:200].replace(b"IHDR", b"IHDX"),
        pictures.png().replace(b"\x99", b"\x98", 1)[:-60],
        pictures.webp(moves=True),
        b"\xff\xd8\xff\xd9",
        b"GIF89a" + bytes(7) + b"\x3b",
    ],
)
def test_what_is_no_picture_is_refused(given: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        picture_files.checked(given)
    assert refused.value.code == "picture_unreadable"


def test_a_large_file_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(Invalid) as refused:
        picture_files.checked(bytes(MOST_BYTES + 1))
    assert refused.value.code == "picture_too_large"


def test_a_picture_is_set_replaced_and_removed(organisation: Organisation, actors: dict[str, Actor]) -> None:
    by = actors["team member"]
    first = commands.set_own_picture(pictures.png(), by=by)
    told = Event.objects.filter(name="UserUpdated").latest("pk")
    assert json.loads(told.changes or "")[0]["new"] == {"picture": first.picture}
    commands.set_own_picture(pictures.png(), by=by)
    assert Event.objects.filter(name="UserUpdated").latest("pk") == told
    second = commands.set_own_picture(pictures.gif(), by=by)
    assert second.picture != first.picture
    found = queries.picture(second.guid, by=by)
    assert (found.media_type, AccountPicture.objects.count()) == ("image/gif", 1)
    commands.remove_picture(second, by=by)
    assert User.objects.get(pk=second.pk).picture == ""
    with pytest.raises(NotFound):
        queries.picture(second.guid, by=by)
    before = Event.objects.count()
    commands.remove_picture(second, by=by)
    assert Event.objects.count() == before


def test_who_works_sees_that_of_another_and_only_who_manages_accounts_removes_it(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    user = commands.set_own_picture(pictures.jpeg(), by=actors["team member"])
    for who in ("process builder", "integrator"):
        assert queries.picture(user.guid, by=actors[who]).media_type == "image/jpeg"
        with pytest.raises(Forbidden):
            commands.remove_picture(user, by=actors[who])
    itself = sessions.actor_for(gallery.accounts(organisation)["self service"].user)
    with pytest.raises(NotFound):
        queries.picture(user.guid, by=itself)
    own = commands.set_own_picture(pictures.png(), by=itself)
    assert queries.picture(own.guid, by=itself).media_type == "image/png"
    assert queries.picture(user.guid, by=actors["administrator"]).media_type == "image/jpeg"
    commands.remove_picture(user, by=actors["administrator"])
    assert [one.user_id for one in AccountPicture.objects.all()] == [own.pk]


def test_an_application_sets_and_removes_none(organisation: Organisation) -> None:
    account = organisation.accounts["process builder"]
    application = sessions.actor_for(account.user, account.user.credentials.get())
    commands.set_own_picture(pictures.png(), by=sessions.actor_for(account.user))
    with pytest.raises(Forbidden):
        commands.set_own_picture(pictures.gif(), by=application)
    with pytest.raises(Forbidden):
        commands.remove_picture(account.user, by=application)
    assert AccountPicture.objects.get().media_type == "image/png"


def test_the_picture_of_an_account_that_retires_is_removed(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    user = commands.set_own_picture(pictures.png(), by=actors["team member"])
    commands.set_active(user, False, by=actors["administrator"])
    assert not AccountPicture.objects.exists()
    told = Event.objects.filter(name="UserUpdated").latest("pk")
    assert json.loads(told.changes or "")[0]["new"] == {"is_active": False, "picture": ""}
