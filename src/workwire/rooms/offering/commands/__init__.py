"""The only writer of what is offered. All of it needs the feature Process Builder."""

from workwire.rooms.offering.commands.category_form import CategoryWish, save_categories
from workwire.rooms.offering.commands.checklists import LineWish, add_global_checklist
from workwire.rooms.offering.commands.data_fields import create_data_field, update_data_field
from workwire.rooms.offering.commands.draft_copies import clone_process, copy_version
from workwire.rooms.offering.commands.draft_parts import (
    ActionChanges,
    StepChanges,
    VersionChanges,
    change_action,
    change_step,
    change_version,
    remove_action,
    remove_step,
)
from workwire.rooms.offering.commands.flow_wishes import ActionWish, FlowWish, StepWish
from workwire.rooms.offering.commands.graph_form import save_flow
from workwire.rooms.offering.commands.process_versions import (
    Allocation,
    add_action,
    add_ad_hoc_action,
    add_category,
    add_step,
    create_version,
    set_version_state,
)
from workwire.rooms.offering.commands.schedules import ScheduleChanges, add_period, create_schedule, update_schedule
from workwire.rooms.offering.commands.service_lines import create_process, create_service_line
from workwire.rooms.offering.commands.step_refreshing import refresh_steps
from workwire.rooms.offering.commands.work_types import (
    WorkTypeChanges,
    change_work_type,
    clone_work_type,
    create_work_type,
    save_global_checklist,
    save_type_steps,
)

__all__ = [
    "ActionChanges",
    "ActionWish",
    "Allocation",
    "CategoryWish",
    "FlowWish",
    "LineWish",
    "ScheduleChanges",
    "StepChanges",
    "StepWish",
    "VersionChanges",
    "WorkTypeChanges",
    "add_action",
    "add_ad_hoc_action",
    "add_category",
    "add_global_checklist",
    "add_period",
    "add_step",
    "change_action",
    "change_step",
    "change_version",
    "change_work_type",
    "clone_process",
    "clone_work_type",
    "copy_version",
    "create_data_field",
    "create_process",
    "create_schedule",
    "create_service_line",
    "create_version",
    "create_work_type",
    "refresh_steps",
    "remove_action",
    "remove_step",
    "save_categories",
    "save_flow",
    "save_global_checklist",
    "save_type_steps",
    "set_version_state",
    "update_data_field",
    "update_schedule",
]
