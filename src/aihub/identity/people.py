"""People: signing in and out, sessions, and requests with a session or a signed token."""

import math
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aihub.identity import people_store, rules, tokens
from aihub.identity.cache import BriefCache
from aihub.identity.clock import Clock
from aihub.identity.errors import LinkNotValid, Locked, WrongCredentials
from aihub.identity.lockout import FailureCounter
from aihub.identity.models import IdentityOptions, Membership, Person
from aihub.identity.passwords import Passwords
from aihub.identity.signed_tokens import Claims, TokenVerifier
from aihub.kit.db import Database
from aihub.kit.errors import Unauthorized


class People:
    """Knows who is signed in, for a few seconds without asking the database."""

    def __init__(self, db: Database, options: IdentityOptions, clock: Clock) -> None:
        self._db = db
        self._options = options
        self._clock = clock
        self._verifier = TokenVerifier(options, clock)
        self._passwords = Passwords()
        self._clients = FailureCounter(clock.monotonic, rules.CLIENT_LOCKS)
        self._strangers = FailureCounter(clock.monotonic, rules.ACCOUNT_LOCKS)
        self._by_session: BriefCache[bytes, Person] = BriefCache(clock.monotonic)
        self._by_token: BriefCache[bytes, Person] = BriefCache(clock.monotonic)

    # ---------- who is it ----------

    async def get_by_session(self, token: str) -> Person | None:
        """Whose session `token` is; None when it is none, or over."""
        token_hash = tokens.hash_token(token)
        person = await self._by_session.get(token_hash, lambda: self._load_session(token_hash))
        return None if person is None or self._is_over(person) else person

    async def get_by_token(self, token: str) -> Person:
        """The subject of a signed token. Raises Unauthorized or SigningKeysAway."""
        token_hash = tokens.hash_token(token)
        person = await self._by_token.get(token_hash, lambda: self._load_token(token))
        if person is None or self._is_over(person):
            raise Unauthorized("The token has expired.")
        return person

    def forget(self) -> None:
        """Ask the database again about everybody."""
        self._by_session.forget()
        self._by_token.forget()

    def _is_over(self, person: Person) -> bool:
        return rules.is_over(person.expires_at, self._clock.now())

    async def _load_session(self, token_hash: bytes) -> Person | None:
        async with self._db.read() as connection:
            return await people_store.get_person_of_session(
                connection, token_hash, now=self._clock.now()
            )

    async def _load_token(self, token: str) -> Person:
        claims = await self._verifier.verify(token)
        found = await self._places(claims)
        claimed = claims.claimed_organization
        return Person(
            account_id=claims.sub,
            email=claims.email,
            is_operator=False,
            expires_at=_moment(claims.exp),
            memberships=tuple(found),
            view_id=found[0].organization.id if claimed and found else None,
            is_pinned=claimed is not None,
        )

    async def _places(self, claims: Claims) -> list[Membership]:
        claimed = claims.claimed_organization
        async with self._db.read() as connection:
            found = await people_store.list_places_of_token(
                connection,
                claims.sub,
                claimed=claimed,
                claimed_uuid=rules.parse_uuid(claimed) if claimed else None,
                claimed_role=rules.claimed_role(claims.claimed_role),
            )
        if claimed is None:
            return found
        return [place for place in found if rules.is_named(place.organization, claimed)]

    # ---------- signing in and out ----------

    async def sign_in(self, email: str, password: str, *, client: str) -> tuple[str, datetime]:
        """A new session: its token, and when it ends. Raises WrongCredentials or Locked."""
        if wait := self._clients.seconds_locked(client):
            raise Locked(retry_after_s=wait)
        address = email.strip().lower()[: rules.MAX_EMAIL_LENGTH + 1]
        account_id = await self._check_password(address, password)
        if account_id is None:
            self._clients.fail(client)
            raise WrongCredentials
        self._clients.succeed(client)
        async with self._db.write() as connection:
            await people_store.update_account_signed_in(connection, account_id)
        return await self.open_session(account_id)

    async def _check_password(self, email: str, password: str) -> UUID | None:
        row = None
        if is_possible := rules.is_possible_sign_in(email, password):
            async with self._db.write() as connection:
                row = await people_store.claim_sign_in(
                    connection, email, now=self._clock.now(), locks=rules.ACCOUNT_LOCKS
                )
        if row is None:
            await self._require_unlocked(email, is_possible=is_possible)
        stored = row["password_hash"] if row else None
        is_right = await self._passwords.verify(stored, password[: rules.MAX_PASSWORD_LENGTH])
        if row is None or not is_right or row["disabled_at"] is not None:
            return None
        account_id: UUID = row["id"]
        return account_id

    async def _require_unlocked(self, email: str, *, is_possible: bool) -> None:
        """Raise Locked for an account that is locked, and for a stranger who would be."""
        row = None
        if is_possible:
            async with self._db.read() as connection:
                row = await people_store.get_lock(connection, email)
        if row is not None:
            until = row["locked_until"]
            left = (until - self._clock.now()).total_seconds() if until else 1.0
            raise Locked(retry_after_s=max(1, math.ceil(left)))
        if wait := self._strangers.seconds_locked(email):
            raise Locked(retry_after_s=wait)
        self._strangers.fail(email)

    async def sign_in_by_link(self, link: str) -> tuple[str, datetime]:
        """A new session for a link, which is used up. Raises LinkNotValid."""
        async with self._db.write() as connection:
            account_id = await people_store.delete_sign_in_link(
                connection, tokens.hash_token(link), now=self._clock.now()
            )
        if account_id is None:
            raise LinkNotValid
        return await self.open_session(account_id)

    async def sign_in_by_jwt(self, token: str) -> tuple[str, datetime]:
        """A new session for a signed token. Raises Unauthorized, NoOrganization, NotFound.

        Members stay signed in as others do, since their membership is checked at each use. Somebody
        who is let in by the token's claim alone has nothing that can be checked later: that session
        ends with the token.
        """
        person = await self.get_by_token(token)
        place = rules.choose_membership(person, None) or person.memberships[0]
        is_member = await self._is_member(person, place)
        ends = self._session_end()
        session = tokens.make_secret()
        expires_at = ends if is_member else min(ends, person.expires_at)
        async with self._db.write() as connection:
            await people_store.insert_session_of_token(
                connection,
                tokens.hash_token(session),
                account_id=person.account_id,
                email=person.email or "",
                organization_id=place.organization.id,
                claimed_role=None if is_member else place.role,
                expires_at=expires_at,
            )
        return session, expires_at

    async def _is_member(self, person: Person, place: Membership) -> bool:
        async with self._db.read() as connection:
            found = await people_store.get_member(
                connection, place.organization.id, person.account_id
            )
        return found is not None

    async def open_session(self, account_id: UUID) -> tuple[str, datetime]:
        """A new session of an account of the hub."""
        session, expires_at = tokens.make_secret(), self._session_end()
        async with self._db.write() as connection:
            await people_store.insert_session(
                connection, tokens.hash_token(session), account_id, expires_at=expires_at
            )
        return session, expires_at

    def _session_end(self) -> datetime:
        return self._clock.now() + timedelta(hours=self._options.session_hours)

    async def switch_organization(self, session: str, organization_id: UUID) -> None:
        """Have a session view another organization, which the caller has checked."""
        async with self._db.write() as connection:
            await people_store.update_session_view(
                connection, tokens.hash_token(session), organization_id
            )
        self._by_session.forget()

    async def sign_out(self, session: str) -> None:
        """End a session, at once in this process."""
        async with self._db.write() as connection:
            await people_store.delete_session(connection, tokens.hash_token(session))
        self._by_session.forget()

    async def sign_out_everywhere(self, account_id: UUID) -> None:
        """End every session of an account, and its links."""
        async with self._db.write() as connection:
            await people_store.delete_sessions(connection, account_id)
        self._by_session.forget(lambda person: person.account_id == account_id)


def _moment(seconds: float) -> datetime:
    # a token may name a time that no datetime can hold
    return datetime.fromtimestamp(min(seconds, _LAST_SECOND), UTC)


_LAST_SECOND = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
