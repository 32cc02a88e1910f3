"""People who sign in, and the roles that they hold, where and when."""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce, Concat
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.operations import Actor
from foundation.reference.models import DatedQuerySet
from foundation.users.roles import INCOMPATIBLE, Role


class UserManager(BaseUserManager["User"]):
    """Makes users; a password that is not given is one that nobody can type."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        """A user with a hashed password, saved."""
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """Somebody who signs in: staff by password and second factor, citizens by VNeID."""

    class Kind(models.TextChoices):
        STAFF = "STAFF", _("Cán bộ")
        CITIZEN = "CITIZEN", _("Công dân")

    username = models.CharField(_("tên đăng nhập"), max_length=80, unique=True)
    full_name = models.CharField(_("họ và tên"), max_length=200)
    email = models.EmailField(blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.STAFF)
    # Two logins of one human carry the same fingerprint: four eyes are counted by it, not by login.
    person_fingerprint = models.BinaryField(max_length=32, null=True, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=PortalNow())

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name"]
    objects = UserManager()

    class Meta:
        db_table = "users_user"
        constraints = [
            models.CheckConstraint(
                name="user_staff_has_fingerprint", condition=~Q(kind="STAFF") | Q(person_fingerprint__isnull=False)
            ),
            # An officer is a citizen too: one login of each kind a human.
            models.UniqueConstraint(
                name="user_one_citizen_a_person", fields=["person_fingerprint"], condition=Q(kind="CITIZEN")
            ),
        ]
        verbose_name = _("người dùng")
        verbose_name_plural = _("người dùng")

    def __str__(self) -> str:
        return self.full_name or self.username

    @property
    def actor(self) -> Actor:
        """This user as the trail names him."""
        return Actor(kind=self.kind, id=self.pk, label=self.full_name)

    def is_human_of(self, fingerprint: bytes | memoryview | None) -> bool:
        """Whether a fingerprint of an ID number is this user's own: four eyes are counted by it, not by login."""
        own = bytes(self.person_fingerprint or b"")
        return bool(own) and own == bytes(fingerprint or b"")


class VneidIdentity(models.Model):
    """A national e-ID that signs in as a citizen; the key is issuer and subject, never a phone or a mail address.

    What VNeID says of the person is kept as of the last sign-in. The ID number is encrypted (context
    "vneid_identity.national_id", row id = pk), and so is the phone ("vneid_identity.phone").
    """

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="vneid")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    level = models.PositiveSmallIntegerField()
    full_name = models.CharField(_("họ và tên"), max_length=120)
    birth_date = models.DateField(_("ngày sinh"), null=True)
    birth_precision = models.CharField(max_length=5, blank=True, help_text="DAY, MONTH or YEAR; empty: not told")
    sex = models.CharField(_("giới tính"), max_length=1, blank=True)
    address = models.CharField(_("địa chỉ"), max_length=250, blank=True)
    unit_code = models.CharField(
        max_length=5, blank=True, help_text="ward of permanent residence, also outside the city"
    )
    national_id_encrypted = models.BinaryField()
    phone_encrypted = models.BinaryField(null=True)
    proven_at = models.DateTimeField()

    class Meta:
        db_table = "users_vneid_identity"
        constraints = [
            models.UniqueConstraint(name="vneid_identity_one_user", fields=["issuer", "subject"]),
            models.CheckConstraint(name="vneid_identity_level", condition=Q(level__in=[1, 2])),
        ]

    def __str__(self) -> str:
        return f"VNeID {self.subject}"


def _incompatible_pairs() -> str:
    rows = sorted(tuple(sorted(str(role) for role in pair)) for pair in INCOMPATIBLE)
    return ", ".join(f"('{first}', '{second}')" for first, second in rows)


class RoleAssignment(models.Model):
    """A role that a user holds in one unit, or in the whole city, from a day to a day (inclusive, as all dates here)."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_assignments")
    role = models.CharField(max_length=20, choices=Role)
    unit = models.ForeignKey("reference.Unit", on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField(db_default=PortalNow())

    objects = DatedQuerySet.as_manager()

    class Meta:
        db_table = "users_role_assignment"
        constraints = [
            models.CheckConstraint(
                name="role_assignment_dates", condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from"))
            ),
            # The embedded server has no btree_gist: scalars take part in an exclusion as one-element ranges.
            ExclusionConstraint(
                name="role_assignment_no_overlap",
                expressions=[
                    (Func(F("user"), F("user"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (
                        Func(
                            Func(Concat(F("role"), Coalesce(F("unit"), Value("*"))), function="hashtext"),
                            Func(Concat(F("role"), Coalesce(F("unit"), Value("*"))), function="hashtext"),
                            Value("[]"),
                            function="int4range",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_to"),
                            Value("[]"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        triggers = [
            # Counted by human, so that a second login does not get round it.
            pgtrigger.Trigger(
                name="role_assignment_compatible",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("other", "text")],
                func=f"""
                    PERFORM pg_advisory_xact_lock(hashtext('role'), hashtext(encode(u.person_fingerprint, 'hex')))
                        FROM users_user u WHERE u.id = NEW.user_id AND u.person_fingerprint IS NOT NULL;
                    SELECT held.role INTO other
                    FROM users_user me
                    JOIN users_user twin ON twin.id = me.id OR twin.person_fingerprint = me.person_fingerprint
                    JOIN users_role_assignment held ON held.user_id = twin.id AND held.id IS DISTINCT FROM NEW.id
                    JOIN (VALUES {_incompatible_pairs()}) AS pair(one, two)
                      ON (pair.one, pair.two) IN ((held.role, NEW.role), (NEW.role, held.role))
                    WHERE me.id = NEW.user_id
                      AND daterange(held.valid_from, held.valid_to, '[]')
                          && daterange(NEW.valid_from, NEW.valid_to, '[]')
                    LIMIT 1;
                    IF other IS NOT NULL THEN
                        RAISE EXCEPTION 'role_assignment_compatible: % and % on one person', NEW.role, other
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
        verbose_name = _("phân công")
        verbose_name_plural = _("phân công")

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"
