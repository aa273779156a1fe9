"""Addresses of the pages of administration."""

from django.urls import path

from workwire.web.administration import (
    account_form,
    account_list,
    account_page,
    calendar_form,
    calendar_pages,
    group_pages,
    queue_pages,
    role_pages,
    setting_pages,
    sight_page,
)

urlpatterns = [
    path("administration/accounts", account_list.accounts, name="accounts"),
    path("administration/accounts/new", account_form.new_account, name="new-account"),
    path("administration/accounts/<uuid:guid>", account_page.account, name="account"),
    path("administration/accounts/<uuid:guid>/edit", account_form.edit_account, name="edit-account"),
    path("administration/accounts/<uuid:guid>/sight", sight_page.account_sight, name="account-sight"),
    path(
        "administration/accounts/<uuid:guid>/password-link", account_page.give_password_link, name="give-password-link"
    ),
    path(
        "administration/accounts/<uuid:guid>/second-factor",
        account_page.remove_second_factor,
        name="remove-second-factor",
    ),
    path("administration/accounts/<uuid:guid>/remove-picture", account_page.remove_picture, name="remove-picture"),
    path("administration/accounts/<uuid:guid>/end-sessions", account_page.end_sessions, name="end-sessions"),
    path("administration/accounts/<uuid:guid>/suspend", account_page.suspend, name="suspend-robot"),
    path("administration/accounts/<uuid:guid>/resume", account_page.resume, name="resume-robot"),
    path("administration/accounts/<uuid:guid>/retire", account_page.retire, name="retire-account"),
    path("administration/accounts/<uuid:guid>/reinstate", account_page.reinstate, name="reinstate-account"),
    path("administration/roles", role_pages.roles, name="roles"),
    path("administration/roles/new", role_pages.new_role, name="new-role"),
    path("administration/roles/<uuid:guid>", role_pages.role, name="role"),
    path("administration/roles/<uuid:guid>/edit", role_pages.edit_role, name="edit-role"),
    path("administration/roles/<uuid:guid>/second-factor", role_pages.ask_second_factor, name="role-second-factor"),
    path("administration/roles/<uuid:guid>/remove", role_pages.remove_role, name="remove-role"),
    path("administration/groups", group_pages.groups, name="groups"),
    path("administration/groups/new", group_pages.new_group, name="new-group"),
    path("administration/groups/<uuid:guid>", group_pages.group, name="group"),
    path("administration/groups/<uuid:guid>/members", group_pages.add_group_member, name="add-group-member"),
    path(
        "administration/groups/<uuid:guid>/members/<uuid:user>/remove",
        group_pages.remove_group_member,
        name="remove-group-member",
    ),
    path(
        "administration/groups/<uuid:guid>/permissions/<str:level>/<uuid:target>/grant",
        group_pages.grant_permission,
        name="grant-permission",
    ),
    path(
        "administration/groups/<uuid:guid>/permissions/<str:level>/<uuid:target>/revoke",
        group_pages.revoke_permission,
        name="revoke-permission",
    ),
    path("administration/queues", queue_pages.queues, name="queues"),
    path("administration/queues/new", queue_pages.new_queue, name="new-queue"),
    path("administration/queues/<uuid:guid>", queue_pages.queue, name="queue"),
    path("administration/queues/<uuid:guid>/edit", queue_pages.edit_queue, name="edit-queue"),
    path("administration/queues/<uuid:guid>/retire", queue_pages.retire_queue, {"retired": True}, name="retire-queue"),
    path(
        "administration/queues/<uuid:guid>/reinstate",
        queue_pages.retire_queue,
        {"retired": False},
        name="reinstate-queue",
    ),
    *(
        path(
            f"administration/queues/<uuid:guid>/{relation}",
            queue_pages.join_queue,
            {"relation": relation},
            name=f"add-queue-{relation}",
        )
        for relation in queue_pages.RELATIONS
    ),
    *(
        path(
            f"administration/queues/<uuid:guid>/{relation}/<uuid:user>/remove",
            queue_pages.leave_queue,
            {"relation": relation},
            name=f"remove-queue-{relation}",
        )
        for relation in queue_pages.RELATIONS
    ),
    path("administration/calendars", calendar_pages.calendars, name="calendars"),
    path("administration/calendars/new", calendar_form.new_calendar, name="new-calendar"),
    path("administration/calendars/<uuid:guid>", calendar_pages.calendar, name="calendar"),
    path("administration/calendars/<uuid:guid>/edit", calendar_form.edit_calendar, name="edit-calendar"),
    path("administration/settings", setting_pages.run_time_settings_page, name="run-time-settings"),
    path("administration/settings/<str:name>", setting_pages.run_time_setting, name="run-time-setting"),
    path("administration/settings/<str:name>/reset", setting_pages.reset_setting, name="reset-setting"),
]
