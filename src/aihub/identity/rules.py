"""Decisions about who asks: no clock, no connection."""

import re
import zoneinfo
from collections.abc import Collection, Mapping
from datetime import datetime
from urllib.parse import unquote_to_bytes
from uuid import UUID

from aihub.identity.errors import CrossSite, MissingScope, NoOrganization, UnknownOrganization
from aihub.identity.models import (
    ADMIN,
    OPERATE,
    READ,
    ROLE_SCOPES,
    SCOPES,
    WRITE,
    KeyHolder,
    Membership,
    Organization,
    Person,
    Principal,
)
from aihub.kit.errors import Forbidden, Invalid

MAX_ID_LENGTH = 255
MAX_NAME_LENGTH = 255
MAX_EMAIL_LENGTH = 320
MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 8, 1_024

# seconds of the lock after the first, second, … failed attempt; the last one stays
ACCOUNT_LOCKS = (0, 0, 0, 0, 30, 60, 120, 240, 480, 900)
# a client may be an office behind one address: it gets more attempts and shorter locks
CLIENT_LOCKS = (*(0,) * 49, 15, 30, 60)

_OPERATOR_SCOPES = frozenset({READ, WRITE, ADMIN, OPERATE})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


def parse_uuid(text: str) -> UUID | None:
    """`text` as a UUID when it is one in its usual form: such an id keeps its UUID."""
    return UUID(text) if _UUID.fullmatch(text) else None


def check_external_id(text: str, field: str) -> str:
    """`text` when it can be an organization's id. Raises Invalid."""
    if not 1 <= len(text) <= MAX_ID_LENGTH:
        raise Invalid.field(field, f"must have 1 to {MAX_ID_LENGTH} characters")
    if "\x00" in text:
        raise Invalid.field(field, "must not contain the character U+0000")
    return text


def read_organization_header(values: Collection[str]) -> str | None:
    """The id in `X-Organization-Id` (as latin-1, the way headers come); None when there is none.

    It may be percent-escaped UTF-8, since a header holds ASCII only. Raises Invalid.
    """
    given = {value for value in values if value}
    if not given:
        return None
    name = "X-Organization-Id"
    if len(given) > 1:
        raise Invalid.field(name, "is given twice")
    try:
        decoded = unquote_to_bytes(given.pop().encode("latin-1")).decode()
    except UnicodeError as error:
        raise Invalid.field(name, "must be percent-escaped UTF-8") from error
    return check_external_id(decoded, name)


def read_bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header; None for anything else."""
    kind, _, token = (authorization or "").partition(" ")
    token = token.strip()
    return token if kind.lower() == "bearer" and _TOKEN.fullmatch(token) else None


def require_same_origin(headers: Mapping[str, str]) -> None:
    """Raise CrossSite unless the hub's own pages sent the request: a cookie comes by itself."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        # `same-site` is another host of the domain, which need not be ours
        if site not in ("same-origin", "none"):
            raise CrossSite
        return
    # no Sec-Fetch-Site: an old browser, or plain HTTP. Schemes are not compared, as a proxy may
    # have taken TLS off
    origin, host = headers.get("origin"), headers.get("host")
    if not origin or not host or origin.partition("://")[2].lower() != host.lower():
        raise CrossSite


def check_email(text: str) -> str:
    """An e-mail address as it is stored: lower case. Raises Invalid."""
    email = text.strip().lower()
    is_address = _EMAIL.fullmatch(email) and email.isprintable()
    if len(email) > MAX_EMAIL_LENGTH or not is_address:
        raise Invalid.field("email", "must be an e-mail address")
    return email


def check_password(text: str) -> str:
    """A password that may be set. Raises Invalid."""
    if not MIN_PASSWORD_LENGTH <= len(text) <= MAX_PASSWORD_LENGTH:
        raise Invalid.field(
            "password", f"must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH:,} characters"
        )
    return text


def is_possible_sign_in(email: str, password: str) -> bool:
    """Whether there can be an account with these: the database need not be asked else."""
    is_address = len(email) <= MAX_EMAIL_LENGTH and _EMAIL.fullmatch(email) is not None
    return is_address and email.isprintable() and len(password) <= MAX_PASSWORD_LENGTH


def check_name(text: str, field: str = "name", *, least: int = 1) -> str:
    """A name to show. Raises Invalid."""
    if not least <= len(text) <= MAX_NAME_LENGTH or "\x00" in text:
        raise Invalid.field(field, f"must have {least} to {MAX_NAME_LENGTH} characters")
    return text


def check_timezone(name: str) -> str:
    """The name of a time zone of the IANA database. Raises Invalid."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid.field(
            "timezone", "must be a time zone such as UTC or Europe/Berlin"
        ) from error
    return name


def check_scopes(scopes: Collection[str]) -> list[str]:
    """The scopes of a key, in their order, each once. Raises Invalid."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise Invalid.field("scopes", f"must be some of {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in scopes]


def check_role(role: str) -> str:
    """A role of members. Raises Invalid."""
    if role not in ROLE_SCOPES:
        raise Invalid.field("role", f"must be one of {', '.join(ROLE_SCOPES)}")
    return role


def require_scope(principal: Principal, scope: str) -> Principal:
    """`principal` when it has `scope`. Raises MissingScope."""
    if scope not in principal.scopes:
        raise MissingScope(scope)
    return principal


def require_may_give(principal: Principal, scopes: Collection[str]) -> None:
    """Raise Forbidden when `scopes` holds one that `principal` lacks."""
    if lacking := [scope for scope in scopes if scope not in principal.scopes]:
        raise Forbidden(f"Nobody can give what they lack: {', '.join(lacking)}.", lacking=lacking)


def is_named(organization: Organization, name: str) -> bool:
    """Whether a caller means `organization` by `name`: its own form, or the UUID."""
    return organization.external_id == name or organization.id == parse_uuid(name)


def key_principal(key: KeyHolder, organization: Organization | None) -> Principal:
    """Whoever holds `key`. A key that may administer every organization may operate the hub."""
    is_operator = key.organization is None
    operates = is_operator and ADMIN in key.scopes
    return Principal(
        actor=f"key:{key.prefix}",
        scopes=key.scopes | {OPERATE} if operates else key.scopes,
        organization=organization,
        is_operator=is_operator,
    )


def choose_membership(person: Person, named: str | None) -> Membership | None:
    """The membership that a request is for: the one named, on view, or the only one.

    None when there is no telling. Raises UnknownOrganization for another's, and NoOrganization.
    """
    found = person.memberships
    if named is not None:
        for membership in found:
            if is_named(membership.organization, named):
                return membership
        raise UnknownOrganization
    for membership in found:
        if membership.organization.id == person.view_id:
            return membership
    if person.is_operator:
        return None
    if not found:
        raise UnknownOrganization if person.is_pinned else NoOrganization
    return found[0] if len(found) == 1 else None


def person_principal(person: Person, membership: Membership | None) -> Principal:
    """`person` at work for the organization of `membership`."""
    role = membership.role if membership else None
    if person.is_operator:
        scopes = _OPERATOR_SCOPES
    else:
        scopes = ROLE_SCOPES[role] if role is not None else frozenset()
    kind = "operator" if person.is_operator else "member"
    return Principal(
        actor=f"{kind}:{person.account_id}",
        scopes=scopes,
        organization=membership.organization if membership else None,
        is_operator=person.is_operator,
        account_id=person.account_id,
        email=person.email,
        memberships=tuple(m.organization for m in person.memberships),
        role=role,
    )


def is_over(expires_at: datetime | None, now: datetime) -> bool:
    """Whether something that ends at `expires_at` (None: never) has ended."""
    return expires_at is not None and expires_at <= now


def claimed_role(role: str | None) -> str:
    """The role that a signed token gives somebody who is no member: theirs if it is one of ours."""
    return role if role in ROLE_SCOPES else "member"


def own_organizations(principal: Principal) -> list[Organization]:
    """Every organization that somebody who is no operator may see."""
    found = {organization.id: organization for organization in principal.memberships}
    if principal.organization is not None:
        found.setdefault(principal.organization.id, principal.organization)
    return list(found.values())
