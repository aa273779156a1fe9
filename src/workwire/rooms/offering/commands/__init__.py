"""The only writer of what is offered. All of it needs the feature Process Builder."""

from workwire.rooms.offering.commands.data_fields import create_data_field, update_data_field
from workwire.rooms.offering.commands.graph_form import ActionWish, FlowWish, StepWish, save_flow
from workwire.rooms.offering.commands.process_versions import (
    Allocation,
    add_action,
    add_ad_hoc_action,
    add_category,
    add_global_checklist,
    add_step,
    create_version,
    set_version_state,
)
from workwire.rooms.offering.commands.schedules import ScheduleChanges, add_period, create_schedule, update_schedule
from workwire.rooms.offering.commands.service_lines import (
    clone_work_type,
    create_process,
    create_service_line,
    create_work_type,
)

__all__ = [
    "ActionWish",
    "Allocation",
    "FlowWish",
    "ScheduleChanges",
    "StepWish",
    "add_action",
    "add_ad_hoc_action",
    "add_category",
    "add_global_checklist",
    "add_period",
    "add_step",
    "clone_work_type",
    "create_data_field",
    "create_process",
    "create_schedule",
    "create_service_line",
    "create_version",
    "create_work_type",
    "save_flow",
    "set_version_state",
    "update_data_field",
    "update_schedule",
]
