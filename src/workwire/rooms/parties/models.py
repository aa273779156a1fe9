"""Tables of companies, contracts and services."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from workwire.kernel import clock, ids
from workwire.kernel.keys import AddressKey, NameKey, SearchText


class Company(models.Model):
    """A customer, a supplier, or both."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    external_reference = models.CharField(max_length=100, blank=True)
    is_customer = models.BooleanField(default=True)
    is_supplier = models.BooleanField(default=False)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=60, default="UTC")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="company_is_customer_or_supplier", condition=Q(is_customer=True) | Q(is_supplier=True)
            ),
            models.CheckConstraint(name="company_not_its_own_parent", condition=~Q(parent=F("id"))),
            models.UniqueConstraint(fields=["name_key"], name="company_name_key_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Contract(models.Model):
    """Under which a supplier serves a customer. What it said before it was changed is in its `earlier_terms` (see `terms`)."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    customer = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="contracts")
    supplier = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="supplied_contracts")
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    calendar = models.ForeignKey("commitments.Calendar", null=True, on_delete=models.PROTECT, related_name="contracts")
    earlier_terms = models.JSONField(null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "name_key"], name="contract_name_key_once")]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """A service line offered under a contract."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="services")
    service_line = models.ForeignKey("catalogue.ServiceLine", on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "name_key"], name="service_name_key_once")]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A person outside, of one company or of none (global)."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    company = models.ForeignKey(Company, null=True, on_delete=models.PROTECT, related_name="contacts")
    email = models.CharField(max_length=254)
    email_key = AddressKey(of="email")
    first_name = models.CharField(max_length=100, blank=True)
    surname = models.CharField(max_length=100, blank=True)
    search = SearchText(of=("first_name", "surname", "email"))
    time_zone = models.CharField(max_length=60, blank=True)
    telephone = models.CharField(max_length=50, blank=True)
    mobile = models.CharField(max_length=50, blank=True)
    office = models.CharField(max_length=200, blank=True)
    address = models.TextField(blank=True)
    language = models.CharField(max_length=10, blank=True)
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["email_key", "company"], name="contact_key_once", condition=Q(company__isnull=False)
            ),
            models.UniqueConstraint(fields=["email_key"], name="global_contact_key_once", condition=Q(company=None)),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """First name and surname, or the mail address where there is neither."""
        return f"{self.first_name} {self.surname}".strip() or self.email


class ContactTag(models.Model):
    """What a contact is to a work item. A `built_in` one, named by its key, is held by at most one contact of an item."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    built_in = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=100)
    name_key = NameKey()
    description = models.TextField(blank=True)
    supplier = models.ForeignKey(Company, null=True, on_delete=models.PROTECT, related_name="+")
    allow_multiple = models.BooleanField(default=True)
    show_to_self_service = models.BooleanField(default=True)
    show_to_call_handling = models.BooleanField(default=True)
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name_key"], name="contact_tag_name_key_once"),
            models.UniqueConstraint(fields=["built_in"], name="built_in_tag_once", condition=~Q(built_in="")),
        ]

    def __str__(self) -> str:
        return self.name
