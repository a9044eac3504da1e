"""Identity: the one object that answers who asks, made by the root."""

import asyncio
import contextlib
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from aihub.identity import rules, service, tokens
from aihub.identity.cache import BriefCache
from aihub.identity.clock import Clock
from aihub.identity.errors import UnknownOrganization
from aihub.identity.keys import Keys
from aihub.identity.models import (
    IdentityOptions,
    KeyHolder,
    Membership,
    Organization,
    Person,
    Principal,
    SignedIn,
)
from aihub.identity.people import People
from aihub.identity.routes import Routes
from aihub.kit.db import Database
from aihub.kit.errors import Invalid, Unauthorized
from aihub.kit.http import Operation

SESSION_COOKIE = "aihub_session"

_FLUSH_SECONDS = 10.0
_ORGANIZATION_HEADER = "x-organization-id"
# an operator's first write makes the organization; changing or deleting finds nothing in a new one
_MAKING_METHODS = frozenset({"POST", "PUT"})


class Identity:
    """Authenticates requests, signs people in and out, and brings the endpoints of this slice.

    What a token may do is remembered for 5 seconds: so long may a revocation made by another
    process take. One made through this object counts at once.
    """

    def __init__(
        self, db: Database, options: IdentityOptions, *, clock: Clock | None = None
    ) -> None:
        clock = clock or Clock()
        self._db = db
        self._keys = Keys(db, clock)
        self._people = People(db, options, clock)
        self._organizations: BriefCache[str, Organization] = BriefCache(clock.monotonic)
        self._flushing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to store the times at which keys are used."""
        self._flushing = asyncio.create_task(self._flush_for_ever())

    async def stop(self) -> None:
        """Store what is left, and end."""
        if self._flushing is not None:
            self._flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flushing
            self._flushing = None
        await self._keys.flush()

    def operations(self) -> list[Operation]:
        """The endpoints of organizations, members, keys and users."""
        return Routes(self._db, self._keys.forget, self.forget).operations()

    def forget(self) -> None:
        """Ask the database again about everything: something was changed behind our back."""
        self._keys.forget()
        self._people.forget()
        self._organizations.forget()

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self._keys.flush()

    # ---------- requests ----------

    async def authenticate(self, request: Request, scope: str, *, is_write: bool) -> Principal:
        """Who asks, when they may do what needs `scope`.

        Raises Unauthorized, MissingScope, NoOrganization, CrossSite, NotFound (the organization
        named), Invalid (it is not named, but has to be) or SigningKeysAway.
        """
        named = rules.read_organization_header(request.headers.getlist(_ORGANIZATION_HEADER))
        may_create = is_write and request.method in _MAKING_METHODS
        authorization = request.headers.get("authorization")
        if authorization is not None:
            token = rules.read_bearer(authorization)
            if token is None:
                raise Unauthorized("Send the token as `Authorization: Bearer <token>`.")
            return await self.authenticate_token(
                token, scope, organization=named, may_create=may_create
            )
        session = request.cookies.get(SESSION_COOKIE)
        if not session:
            raise Unauthorized
        if is_write:
            rules.require_same_origin(request.headers)
        person = await self._people.get_by_session(session)
        if person is None:
            raise Unauthorized("The session is over. Sign in again.")
        return await self._at_work(person, scope, named, may_create=may_create)

    async def authenticate_token(
        self,
        token: str,
        scope: str,
        *,
        organization: str | None = None,
        may_create: bool = False,
    ) -> Principal:
        """Like `authenticate`, for a token that came in another way than as a Bearer.

        `organization` is the one named beside it; `may_create`: an operator's key makes it.
        """
        if tokens.is_key(token):
            return await self._by_key(
                await self._keys.get(token), scope, organization, may_create=may_create
            )
        if token.count(".") != 2:  # noqa: PLR2004 - the three parts of a signed token
            raise Unauthorized("The token is neither an API key nor a signed token.")
        person = await self._people.get_by_token(token)
        return await self._at_work(person, scope, organization, may_create=False)

    async def _by_key(
        self, key: KeyHolder, scope: str, named: str | None, *, may_create: bool
    ) -> Principal:
        own = key.organization
        if own is not None and named is not None and not rules.is_named(own, named):
            raise UnknownOrganization
        # first of all the scope: a key that may not write must not make an organization
        principal = rules.require_scope(rules.key_principal(key, own), scope)
        if own is not None or named is None:
            return principal
        found = await self._organization(named, may_create=may_create)
        return rules.key_principal(key, found)

    async def _at_work(
        self, person: Person, scope: str, named: str | None, *, may_create: bool
    ) -> Principal:
        if person.is_operator and named is not None:
            found = await self._organization(named, may_create=may_create)
            place: Membership | None = Membership(found, None)
        else:
            place = rules.choose_membership(person, named)
        if place is None and not person.is_operator:
            raise Invalid.field(
                "X-Organization-Id", "is required: you are a member of several organizations"
            )
        return rules.require_scope(rules.person_principal(person, place), scope)

    async def _organization(self, name: str, *, may_create: bool) -> Organization:
        found = await self._organizations.get(name, lambda: self._load_organization(name))
        if found is not None:
            return found
        if not may_create:
            raise UnknownOrganization
        async with self._db.write() as connection:
            made = await service.create_organization(connection, external_id=name)
        self._organizations.forget(lambda organization: organization.id == made.id)
        return made

    async def _load_organization(self, name: str) -> Organization | None:
        async with self._db.read() as connection:
            return await service.get_organization(connection, name)

    # ---------- pages ----------

    async def sign_in(self, email: str, password: str, *, client: str) -> SignedIn:
        """A session for an address and a password; `client` is where the attempt comes from.

        Raises WrongCredentials, or Locked after too many failures of the account or the client.
        """
        return await self._signed_in(*await self._people.sign_in(email, password, client=client))

    async def sign_in_by_link(self, token: str) -> SignedIn:
        """A session for a sign-in link, which works once. Raises LinkNotValid.

        Let people press a button for it: programs that look at links in mails would use it up.
        """
        return await self._signed_in(*await self._people.sign_in_by_link(token))

    async def sign_in_by_jwt(self, token: str) -> SignedIn:
        """A session for a Supabase token. Raises Unauthorized, NoOrganization, NotFound.

        It ends with the token for somebody who is no member and was let in by its claim.
        """
        return await self._signed_in(*await self._people.sign_in_by_jwt(token))

    async def session(self, token: str) -> Principal | None:
        """Whose session it is, at work for the organization on view; None: nobody's (any more).

        `organization` is None for an operator who has chosen none, and for somebody who is a member
        nowhere (any more).
        """
        person = await self._people.get_by_session(token)
        if person is None:
            return None
        on_view = [m for m in person.memberships if m.organization.id == person.view_id]
        others = () if person.is_operator else person.memberships
        return rules.person_principal(person, next(iter((*on_view, *others)), None))

    async def switch_organization(self, token: str, external_id: str) -> Principal:
        """Have the session view another organization. Raises Unauthorized, NotFound."""
        person = await self._people.get_by_session(token)
        if person is None:
            raise Unauthorized
        if person.is_operator:
            organization = await self._organization(external_id, may_create=False)
        else:
            place = rules.choose_membership(person, external_id)
            if place is None:
                raise UnknownOrganization
            organization = place.organization
        if organization.id != person.view_id:
            await self._people.switch_organization(token, organization.id)
        principal = await self.session(token)
        if principal is None:
            raise Unauthorized
        return principal

    async def sign_out(self, token: str) -> None:
        """End a session."""
        await self._people.sign_out(token)

    async def sign_out_everywhere(self, account_id: UUID) -> None:
        """End every session of an account, and its sign-in links."""
        await self._people.sign_out_everywhere(account_id)

    async def _signed_in(self, token: str, expires_at: datetime) -> SignedIn:
        principal = await self.session(token)
        if principal is None:
            raise Unauthorized
        return SignedIn(token, principal, expires_at)
