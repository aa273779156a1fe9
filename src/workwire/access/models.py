"""Tables of users, roles, groups, data permissions, credentials and tokens."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from workwire.access.features import BUILDER, OPERATIONAL
from workwire.kernel import clock, ids
from workwire.kernel.actor import UserType
from workwire.kernel.keys import NameKey, SearchText

LONGEST_USERNAME = 150


class Role(models.Model):
    """A named set of features; operational or builder."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=100)
    name_key = NameKey()
    kind = models.CharField(max_length=20, choices=[(OPERATIONAL, "Operational"), (BUILDER, "Builder")])
    requires_second_factor = models.BooleanField(default=False, db_default=False)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="role_name_key_once")]

    def __str__(self) -> str:
        return self.name


class RoleFeature(models.Model):
    """One feature of one role."""

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="features")
    feature = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "feature"], name="role_feature_once")]


class User(AbstractBaseUser):
    """An account: a person or a robot. Retired accounts stay, inactive, because history names them."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    username = models.CharField(max_length=LONGEST_USERNAME, unique=True)
    username_key = NameKey(of="username")
    full_name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    search = SearchText(of=("username", "full_name", "email"))
    user_type = models.IntegerField(
        choices=[(kind.value, kind.name.title().replace("_", " ")) for kind in UserType],
        default=UserType.OPERATIONAL,
    )
    is_active = models.BooleanField(default=True)
    suspended_at = models.DateTimeField(null=True)  # since when a robot is given no work
    created_at = models.DateTimeField(default=clock.now)
    manager = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="reports")
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")
    theme = models.CharField(max_length=20, blank=True, default="", db_default="")
    density = models.CharField(max_length=20, blank=True, default="", db_default="")
    picture = models.CharField(max_length=64, blank=True, default="", db_default="")  # its SHA-256 in hex
    short_code = models.CharField(max_length=2, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(default=1, db_default=1)

    USERNAME_FIELD = "username"
    secret_columns: ClassVar[frozenset[str]] = frozenset({"password"})
    objects = BaseUserManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["username_key"], name="username_key_once")]

    def __str__(self) -> str:
        return self.username


class AccountPicture(models.Model):
    """The picture of an account, which `User.picture` is the digest of; small, and checked (see `picture_files`)."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="+")
    content = models.BinaryField()
    media_type = models.CharField(max_length=20)

    def __str__(self) -> str:
        return f"picture of {self.user_id}"


class RoleAssignment(models.Model):
    """A role a user holds; one operational role, at most one builder role."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_assignments")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="assignments")
    kind = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="role_of_each_kind_once")]


class UserGroup(models.Model):
    """People and robots who may see the same things."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=100)
    name_key = NameKey()
    members = models.ManyToManyField(User, related_name="user_groups")
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="user_group_name_key_once")]

    def __str__(self) -> str:
        return self.name


class DataPermission(models.Model):
    """A user group may see one company, contract, service or process and all that lies below it."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    group = models.ForeignKey(UserGroup, on_delete=models.CASCADE, related_name="permissions")
    company = models.ForeignKey("parties.Company", null=True, on_delete=models.CASCADE, related_name="+")
    contract = models.ForeignKey("parties.Contract", null=True, on_delete=models.CASCADE, related_name="+")
    service = models.ForeignKey("parties.Service", null=True, on_delete=models.CASCADE, related_name="+")
    process = models.ForeignKey("catalogue.Process", null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="permission_on_one_object",
                condition=(
                    Q(company__isnull=False, contract=None, service=None, process=None)
                    | Q(company=None, contract__isnull=False, service=None, process=None)
                    | Q(company=None, contract=None, service__isnull=False, process=None)
                    | Q(company=None, contract=None, service=None, process__isnull=False)
                ),
            ),
            *(
                models.UniqueConstraint(
                    fields=["group", level],
                    name=f"{level}_permission_once",
                    condition=Q(**{f"{level}__isnull": False}),
                )
                for level in ("company", "contract", "service", "process")
            ),
        ]


class Credential(models.Model):
    """An application credential: a machine acts as `user` with a subset of that user's roles until `expires_at`."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="credentials")
    name = models.CharField(max_length=100)
    client_id = models.CharField(max_length=60, unique=True)
    secret_digest = models.CharField(max_length=64)
    roles = models.ManyToManyField(Role, related_name="credentials")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    secret_columns: ClassVar[frozenset[str]] = frozenset({"secret_digest"})
    unrecorded_columns: ClassVar[frozenset[str]] = frozenset({"last_used_at"})  # its use is no change of it

    def __str__(self) -> str:
        return self.name


class Token(models.Model):
    """Proof of a login or of an OAuth exchange; void when idle too long, when the roles change, when its source ends."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    credential = models.ForeignKey(Credential, null=True, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(default=clock.now, db_index=True)
    address = models.CharField(max_length=64, blank=True, default="", db_default="")
    browser = models.CharField(max_length=300, blank=True, default="", db_default="")

    @property
    def guid(self) -> UUID:
        """What the account calls the token by: half of its digest, which tells nothing of the token."""
        return UUID(hex=self.digest[:32])


class PasswordLink(models.Model):
    """A link by which an account gets a new password, once, until `expires_at`; `job` is the one that mailed it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)
    job = models.UUIDField(null=True)

    secret_columns: ClassVar[frozenset[str]] = frozenset({"digest"})


class SecondFactor(models.Model):
    """The key of an app that makes codes for an account; it counts from `confirmed_at` on. `last_step` is the newest one whose
    code was taken."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    sealed_secret = models.CharField(max_length=300)
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)

    secret_columns: ClassVar[frozenset[str]] = frozenset({"sealed_secret"})
    unrecorded_columns: ClassVar[frozenset[str]] = frozenset({"last_step"})  # its use is no change of it


class RecoveryCode(models.Model):
    """A code that stands in once for the second factor of an account; used ones are gone."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    secret_columns: ClassVar[frozenset[str]] = frozenset({"digest"})


class Setting(models.Model):
    """What an administrator chose for a setting of the installation; no row where nothing was chosen."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=100, unique=True)
    value = models.JSONField()


class FailedLogin(models.Model):
    """A login that failed, kept for the quarter of an hour in which it counts against more attempts.

    `username` is a digest of the name: people type passwords into its field.
    """

    username = models.CharField(max_length=150)
    address = models.CharField(max_length=64)
    at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["username", "at"], name="failed_login_name"),
            models.Index(fields=["address", "at"], name="failed_login_address"),
        ]
