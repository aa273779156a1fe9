"""Tables of companies, contracts and services."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from workwire.kernel import clock, ids


class Company(models.Model):
    """A customer, a supplier, or both."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=200, unique=True)
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
        ]

    def __str__(self) -> str:
        return self.name


class Contract(models.Model):
    """Under which a supplier serves a customer."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    customer = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="contracts")
    supplier = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="supplied_contracts")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "name"], name="contract_name_once_per_customer")]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """A service line offered under a contract."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="services")
    service_line = models.ForeignKey("catalogue.ServiceLine", on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "name"], name="service_name_once_per_contract")]

    def __str__(self) -> str:
        return self.name
