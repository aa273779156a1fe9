"""What is configured and read by clients: tags, schedules, the matrix of services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock, folding
from workwire.kernel.errors import Forbidden, Invalid, NotFound
from workwire.rooms.files import queries as files
from workwire.rooms.offering import queries as offering
from workwire.rooms.parties import queries as parties
from workwire.webapi.calls import Call, Malformed
from workwire.webapi.operations import operation
from workwire.webapi.record_bodies import present

if TYPE_CHECKING:
    from workwire.rooms.files.models import FileTag
    from workwire.rooms.offering.models import Process, Schedule, SchedulePeriod
    from workwire.rooms.parties.models import ContactTag

PLENTY_OF_PERIODS = 3
_STATUS = {
    "MoreThanThreePeriodsInFuture": "More than three periods lie in the future",
    "LessThanThreePeriodsInFuture": "Three periods or fewer lie in the future",
    "ZeroPeriodsInFuture": "No period lies in the future",
}


@operation("FileTagConfiguration/GetAll", "GET", family="configuration")
def get_file_tags(call: Call) -> list[dict[str, Any]]:
    """List all file tags."""
    return [_file_tag(tag) for tag in files.tags(by=call.actor)]


@operation("FileTagConfiguration/Get", "GET", family="configuration", enveloped=True)
def get_file_tag(call: Call) -> dict[str, Any]:
    """Get one file tag."""
    return _file_tag(files.tag(call.guid("FileTagGuid"), by=call.actor))


@operation("ContactTagConfiguration/GetAll", "GET", family="configuration")
def get_contact_tags(call: Call) -> list[dict[str, Any]]:
    """List all contact tags."""
    return [
        present(
            {
                **_contact_tag(tag),
                "SupplierCompanyGUID": str(tag.supplier.guid) if tag.supplier else None,
            }
        )
        for tag in parties.contact_tags_for(call.actor)
    ]


@operation("ContactTagConfiguration/Get", "GET", family="configuration", enveloped=True)
def get_contact_tag(call: Call) -> dict[str, Any]:
    """Get one contact tag."""
    tag = parties.contact_tag(call.guid("ContactTagGuid"), by=call.actor)
    supplier = tag.supplier
    company = (
        {"GUID": str(supplier.guid), "Name": supplier.name, "Description": supplier.description} if supplier else None
    )
    return present(
        {
            **_contact_tag(tag),
            "ShowToCallHandling": tag.show_to_call_handling,
            "ShowToSelfService": tag.show_to_self_service,
            "SupplierCompany": company,
        }
    )


@operation("Schedule/GetScheduleFromCaseAttributeVersion", "GET", family="configuration", enveloped=True, absent=403)
def get_schedule_of_case(call: Call) -> dict[str, Any]:
    """Get the schedule that a case process follows."""
    _require_some_role(call)
    version = offering.version(call.guid("CaseAttributeVersionGUID"), by=call.actor)
    if version.schedule is None:
        raise Invalid("schedule_missing", field="CaseAttributeVersionGUID")
    return _schedule(version.schedule)


@operation("ServiceMatrix/GetServiceMatrix", "POST", family="configuration")
def get_service_matrix(call: Call) -> dict[str, Any]:
    """List what is offered of a service line, to which customers and in which versions."""
    require(call.actor, features.PROCESSES)
    guid = call.guid("ServiceLineGUID")
    if not guid.int:
        raise Malformed("service_line_missing", field="ServiceLineGUID")
    try:
        line = offering.service_line(guid)
    except NotFound as error:
        raise error.as_a(Malformed, field="ServiceLineGUID") from error
    wanted = {
        "service__contract__name_key": call.texts("ContractNamesFilter"),
        "service__contract__customer__name_key": call.texts("CustomerNamesFilter"),
        "service__name_key": call.texts("ServiceNamesFilter"),
    }
    filters = {f"{path}__in": [folding.key(name) for name in names] for path, names in wanted.items() if names}
    processes = list(offering.matrix(call.actor, line).filter(**filters))
    rows: dict[int, dict[str, Any]] = {}
    types: dict[UUID, dict[str, Any]] = {}
    for process in processes:
        rows.setdefault(process.service_id, _matrix_row(process))["Processes"].append(_matrix_process(process))
        types.setdefault(process.work_type.guid, _matrix_type(process))
    return {
        "ProcessGroups": [{"Name": line.name, "ProcessTypes": list(types.values())}],
        "Rows": list(rows.values()),
        "TotalRowCount": len(rows),
        "TotalCompaniesCount": len({process.service.contract.customer_id for process in processes}),
    }


def _require_some_role(call: Call) -> None:
    if not any(call.actor.has(feature) for feature in (features.WORK_ITEMS, features.SELF_SERVICE)):
        raise Forbidden("feature_missing.operational")


def _file_tag(tag: FileTag) -> dict[str, Any]:
    return {
        "GUID": str(tag.guid),
        "Name": tag.name,
        "Description": tag.description,
        "IsHidden": tag.is_hidden,
        "Retired": tag.retired,
    }


def _contact_tag(tag: ContactTag) -> dict[str, Any]:
    return {
        "GUID": str(tag.guid),
        "Name": tag.name,
        "Description": tag.description,
        "AllowMultiple": tag.allow_multiple,
        "Retired": tag.retired,
    }


def _schedule(schedule: Schedule) -> dict[str, Any]:
    periods = list(schedule.periods.all())
    ahead = sum(1 for period in periods if period.start_date > clock.now().date())
    many, few, none = _STATUS
    status = none if ahead == 0 else many if ahead > PLENTY_OF_PERIODS else few
    state = schedule.get_state_display()
    return {
        "GUID": str(schedule.guid),
        "Name": schedule.name,
        "Description": schedule.description,
        "Retired": schedule.retired,
        "State": state,
        "StateDescription": state,
        "Status": status,
        "StatusDescription": _STATUS[status],
        "NoOfPeriodsinFuture": ahead,
        "ScheduleStructureGUID": str(uuid5(schedule.guid, "structure")),
        "SchedulePeriods": [_period(period) for period in periods],
    }


def _period(period: SchedulePeriod) -> dict[str, Any]:
    """A period; its named dates have no rows of their own, so their GUIDs are derived from what they belong to."""
    return {
        "GUID": str(period.guid),
        "Year": period.year,
        "Period": period.period,
        "StartDate": f"{period.start_date.isoformat()}T00:00:00Z",
        "SchedulePeriodDates": [
            {
                "GUID": str(uuid5(period.guid, name)),
                "ScheduleStructureDateGUID": str(uuid5(period.schedule.guid, name)),
                "Name": name,
                "Date": f"{date}T00:00:00Z",
            }
            for name, date in period.dates.items()
        ],
    }


def _matrix_row(process: Process) -> dict[str, Any]:
    service = process.service
    contract = service.contract
    return {
        "CustomerGUID": str(contract.customer.guid),
        "CustomerName": contract.customer.name,
        "CustomerDescription": contract.customer.description,
        "CustomerRetired": False,
        "ContractGUID": str(contract.guid),
        "ContractName": contract.name,
        "ContractDescription": contract.description,
        "ContractRetired": False,
        "ServiceGUID": str(service.guid),
        "ServiceName": service.name,
        "ServiceDescription": service.description,
        "ServiceRetired": False,
        "Processes": [],
    }


def _matrix_process(process: Process) -> dict[str, Any]:
    versions = sorted(process.versions.all(), key=lambda version: version.number)
    of_state = {version.get_state_display(): str(version.guid) for version in versions}
    return present(
        {
            "GUID": str(process.guid),
            "ProcessType": process.work_type.get_kind_display(),
            "ProcessTypeGUID": str(process.work_type.guid),
            "ShowOnContactsPage": False,
            "IsAvailableToAllUsers": False,
            "LiveAttributeVersionGUID": of_state.get("Live"),
            "DevelopmentAttributeVersionGUID": of_state.get("Testing") or of_state.get("Draft"),
            "RetiredAttributeVersionGUID": of_state.get("Retiring"),
        }
    )


def _matrix_type(process: Process) -> dict[str, Any]:
    work_type = process.work_type
    return {
        "GUID": str(work_type.guid),
        "Name": work_type.name,
        "Description": work_type.description,
        "ProcessType": work_type.get_kind_display(),
        "Retired": False,
    }
