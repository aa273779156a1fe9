"""The kinds of record that events speak of, by number."""

from __future__ import annotations

from enum import IntEnum


class ObjectType(IntEnum):
    """Documented object type numbers, beside our own (above 1,000) for records that are no filter objects."""

    NONE = 0
    COMPANY = 31
    PACKET = 81
    CONTRACT = 215
    SERVICE = 217
    SCHEDULE = 260
    COMMUNICATION = 1001
    SERVICE_LINE = 1002
    WORK_TYPE = 1003
    PROCESS = 1004
    PROCESS_VERSION = 1005
    USER = 1006
    ROLE = 1007
    USER_GROUP = 1008
    CREDENTIAL = 1009
    SUBSCRIPTION = 1010
    CONTACT = 1011
    CALENDAR = 1012
    FILE_TAG = 1013
    TEMPORARY_FILE = 1014
    QUEUE = 1015
    CONTACT_TAG = 1016
    DATA_FIELD = 1017
    JOB = 1018
    SETTING = 1019
    JOB_POSITION = 1020
    DEFECT_CATEGORY = 1040
    DEFECT_PARTY = 1041
    TIME_SESSION = 1042
    FOLLOWER = 1043
    BATCH = 1050

    @property
    def public_name(self) -> str:
        """The name the documented API uses."""
        return self.name.title().replace("_", "")
