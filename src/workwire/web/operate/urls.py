"""Addresses of the operator's pages."""

from django.urls import path

from workwire.web.operate import audit_page, check_list, job_list, overview, settings_in_force_page

urlpatterns = [
    path("operate", overview.operate, name="operate"),
    path("operate/checks", check_list.checks, name="checks"),
    path("operate/audit", audit_page.audit, name="audit"),
    path("operate/jobs", job_list.jobs, name="jobs"),
    path("operate/settings", settings_in_force_page.in_force, name="settings-in-force"),
    path("operate/jobs/<uuid:guid>/cancel", job_list.cancel, name="job-cancel"),
]
