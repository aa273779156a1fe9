"""What can be started, and the service lines."""

from __future__ import annotations

from typing import Any

from workwire.rooms.offering import queries as offering
from workwire.webapi.calls import Call, Malformed
from workwire.webapi.operations import operation


@operation("Packet/GetContexts", "GET")
def get_contexts(call: Call) -> list[dict[str, Any]]:
    """List the customers, contracts, services and processes under which work of one kind can be started."""
    customers: dict[int, dict[str, Any]] = {}
    contracts: dict[int, dict[str, Any]] = {}
    services: dict[int, dict[str, Any]] = {}
    for version in offering.offer(call.actor, _process_type(call)):
        service = version.process.service
        contract = service.contract
        if contract.customer_id not in customers:
            customers[contract.customer_id] = _level(contract.customer, "Contracts")
        if contract.pk not in contracts:
            contracts[contract.pk] = _level(contract, "Services")
            customers[contract.customer_id]["Contracts"].append(contracts[contract.pk])
        if service.pk not in services:
            services[service.pk] = _level(service, "Processes")
            contracts[contract.pk]["Services"].append(services[service.pk])
        services[service.pk]["Processes"].append(
            {
                "GUID": str(version.process.guid),
                "Name": version.process.work_type.name,
                "AttributeGUID": str(version.guid),
                "VersionState": version.get_state_display(),
            }
        )
    return list(customers.values())


@operation("ServiceLine/GetAll", "GET")
def get_service_lines(call: Call) -> list[dict[str, Any]]:
    """List all service lines; for roles that configure processes."""
    return [
        {"GUID": str(line.guid), "Name": line.name, "Description": line.description, "Retired": line.retired}
        for line in offering.service_lines(by=call.actor)
    ]


def _level(row: Any, below: str) -> dict[str, Any]:
    return {"GUID": str(row.guid), "Name": row.name, below: []}


def _process_type(call: Call) -> offering.ProcessType:
    written = str(call.value("ProcessType") or "").strip().lower()
    for kind in offering.ProcessType:
        if written in (kind.label.lower(), str(int(kind))):
            return kind
    raise Malformed("process_type_unknown", field="ProcessType")
