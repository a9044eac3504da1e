"""The endpoints: each translates, calls one function of `service`, and translates back."""

from collections.abc import Callable
from uuid import UUID

from aihub.identity import people_store, rules, schemas, service, store
from aihub.identity.errors import UnknownOrganization
from aihub.identity.models import ADMIN, OPERATE, READ, ROLE_SCOPES, Organization, Page, Principal
from aihub.kit.db import Database
from aihub.kit.errors import Forbidden
from aihub.kit.http import Answer, Call, Operation

_ORGANIZATIONS, _MEMBERS, _KEYS, _USERS = "Organizations", "Members", "API keys", "Users"
_NO_CONTENT = 204


class Routes:
    """The handlers, with what they share: the database, and whom to tell of changes."""

    def __init__(
        self, db: Database, forget_key: Callable[[UUID], None], forget_all: Callable[[], None]
    ) -> None:
        self._db = db
        self._forget_key = forget_key
        self._forget_all = forget_all

    def operations(self) -> list[Operation]:
        """What the root makes endpoints of."""
        return [
            *self._organization_operations(),
            *self._member_operations(),
            *self._key_operations(),
            Operation(
                method="GET",
                path="/v1/users",
                handler=self.list_users,
                scope=READ,
                tag=_USERS,
                query=schemas.ListQuery,
                answers={200: schemas.UserList},
                errors=(401, 403, 404, 422),
            ),
        ]

    # ---------- organizations ----------

    def _organization_operations(self) -> list[Operation]:
        return [
            Operation(
                method="POST",
                path="/v1/organizations",
                handler=self.create_organization,
                scope=OPERATE,
                tag=_ORGANIZATIONS,
                body=schemas.OrganizationIn,
                answers={201: schemas.OrganizationOut, 200: schemas.OrganizationOut},
                errors=(401, 403, 422),
            ),
            Operation(
                method="GET",
                path="/v1/organizations",
                handler=self.list_organizations,
                scope=READ,
                tag=_ORGANIZATIONS,
                query=schemas.ListQuery,
                answers={200: schemas.OrganizationList},
                errors=(401, 403, 404, 422),
            ),
            # `:path`, because an organization's own id may contain a slash
            Operation(
                method="GET",
                path="/v1/organizations/{id:path}",
                handler=self.get_organization,
                scope=READ,
                tag=_ORGANIZATIONS,
                answers={200: schemas.OrganizationOut},
                errors=(401, 403, 404),
            ),
            Operation(
                method="PATCH",
                path="/v1/organizations/{id:path}",
                handler=self.update_organization,
                scope=ADMIN,
                tag=_ORGANIZATIONS,
                body=schemas.OrganizationChanges,
                answers={200: schemas.OrganizationOut},
                errors=(401, 403, 404, 422),
            ),
        ]

    async def create_organization(self, call: Call) -> Answer:
        """Make an organization, as the operator. One that exists is given back as it is (200).

        A write of an operator's key for an unknown `X-Organization-Id` makes it just as well.
        """
        body: schemas.OrganizationIn = call.body
        async with self._db.write_within(call.connection) as connection:
            found, is_new = await service.ensure_organization(
                connection,
                external_id=body.id,
                name=body.name,
                plan=body.plan,
                timezone=body.timezone,
            )
        self._forget_all()
        return Answer(schemas.to_organization(found), 201 if is_new else 200)

    async def list_organizations(self, call: Call) -> Answer:
        """The organizations you may see, newest first: for the hub's operator all of them."""
        caller: Principal = call.caller
        if not caller.is_operator:
            found = sorted(
                rules.own_organizations(caller), key=lambda each: str(each.created_at), reverse=True
            )
            return Answer(schemas.to_organizations(Page(tuple(found), None)))
        async with self._db.read() as connection:
            page = await service.list_organizations(
                connection, limit=call.query.limit, cursor=call.query.cursor
            )
        return Answer(schemas.to_organizations(page))

    async def get_organization(self, call: Call) -> Answer:
        """One organization, by your own id or the UUID."""
        found = await self._find(call, rules.own_organizations(call.caller))
        return Answer(schemas.to_organization(found))

    async def update_organization(self, call: Call) -> Answer:
        """Change an organization's settings. The plan is the operator's to change."""
        caller: Principal = call.caller
        own = [caller.organization] if caller.organization else []
        found = await self._find(call, own)
        changes = call.body.given()
        if "plan" in changes and not caller.is_operator:
            raise Forbidden("Only the hub's operator changes the plan.")
        async with self._db.write() as connection:
            changed = await service.update_organization(connection, found.id, changes)
        self._forget_all()
        return Answer(schemas.to_organization(changed))

    async def _find(self, call: Call, own: list[Organization]) -> Organization:
        """The one in the path, read anew; another's is not found."""
        name: str = call.path["id"]
        is_own = any(rules.is_named(organization, name) for organization in own)
        found = None
        if is_own or call.caller.is_operator:
            async with self._db.read() as connection:
                found = await service.get_organization(connection, name)
        if found is None:
            raise UnknownOrganization
        return found

    # ---------- members ----------

    def _member_operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/members",
                handler=self.list_members,
                scope=READ,
                tag=_MEMBERS,
                query=schemas.ListQuery,
                answers={200: schemas.MemberList},
                errors=(401, 403, 404, 422),
            ),
            Operation(
                method="POST",
                path="/v1/members",
                handler=self.invite_member,
                scope=ADMIN,
                tag=_MEMBERS,
                body=schemas.MemberIn,
                answers={201: schemas.NewMemberOut},
                errors=(401, 403, 404, 409, 422),
            ),
            Operation(
                method="PATCH",
                path="/v1/members/{account_id}",
                handler=self.change_role,
                scope=ADMIN,
                tag=_MEMBERS,
                body=schemas.RoleIn,
                answers={200: schemas.MemberOut},
                errors=(401, 403, 404, 409, 422),
            ),
            Operation(
                method="DELETE",
                path="/v1/members/{account_id}",
                handler=self.remove_member,
                scope=ADMIN,
                tag=_MEMBERS,
                answers={_NO_CONTENT: None},
                errors=(401, 403, 404, 409, 422),
            ),
        ]

    async def list_members(self, call: Call) -> Answer:
        """Who signs in for this organization, newest first."""
        async with self._db.read() as connection:
            page = await people_store.list_members(
                connection,
                call.caller.organization_id,
                limit=call.query.limit,
                cursor=call.query.cursor,
            )
        return Answer(schemas.to_members(page))

    async def invite_member(self, call: Call) -> Answer:
        """Add a member. A new address gets an account, and `sign_in_token` to pass on to its owner.

        An account that another organization has invited is added by the operator alone (409
        `account_exists`), unless it has a password.
        """
        body: schemas.MemberIn = call.body
        rules.require_may_give(call.caller, ROLE_SCOPES[body.role])
        async with self._db.write_within(call.connection) as connection:
            invited = await service.invite_member(
                connection,
                call.caller.organization_id,
                email=body.email,
                role=body.role,
                name=body.name,
                by_operator=call.caller.is_operator,
            )
        self._forget_all()
        return Answer(schemas.to_new_member(invited.member, invited.sign_in_token), 201)

    async def change_role(self, call: Call) -> Answer:
        """Give a member another role. The last owner stays one (409 `last_owner`)."""
        body: schemas.RoleIn = call.body
        account_id = call.id("account_id")
        rules.require_may_give(call.caller, ROLE_SCOPES[body.role])
        async with self._db.write() as connection:
            changed = await service.change_role(
                connection, call.caller.organization_id, account_id, body.role
            )
        self._forget_all()
        return Answer(schemas.to_member(changed))

    async def remove_member(self, call: Call) -> Answer:
        """Remove a member, at once. The last owner cannot be removed (409 `last_owner`)."""
        account_id = call.id("account_id")
        async with self._db.write() as connection:
            await service.remove_member(connection, call.caller.organization_id, account_id)
        self._forget_all()
        return Answer(b"", _NO_CONTENT)

    # ---------- keys ----------

    def _key_operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/api-keys",
                handler=self.list_api_keys,
                scope=ADMIN,
                tag=_KEYS,
                query=schemas.ListQuery,
                answers={200: schemas.ApiKeyList},
                errors=(401, 403, 404, 422),
            ),
            Operation(
                method="POST",
                path="/v1/api-keys",
                handler=self.create_api_key,
                scope=ADMIN,
                tag=_KEYS,
                body=schemas.ApiKeyIn,
                answers={201: schemas.NewApiKeyOut},
                errors=(401, 403, 404, 422),
            ),
            Operation(
                method="DELETE",
                path="/v1/api-keys/{id}",
                handler=self.revoke_api_key,
                scope=ADMIN,
                tag=_KEYS,
                answers={200: schemas.ApiKeyOut},
                errors=(401, 403, 404, 422),
            ),
        ]

    async def list_api_keys(self, call: Call) -> Answer:
        """The organization's keys, newest first; revoked ones stay in the list."""
        async with self._db.read() as connection:
            page = await service.list_api_keys(
                connection,
                call.caller.organization_id,
                limit=call.query.limit,
                cursor=call.query.cursor,
            )
        return Answer(schemas.to_api_keys(page))

    async def create_api_key(self, call: Call) -> Answer:
        """Make a key. Its text is in this answer only; nobody can give a scope that they lack."""
        body: schemas.ApiKeyIn = call.body
        rules.require_may_give(call.caller, body.scopes)
        async with self._db.write_within(call.connection) as connection:
            new = await service.create_api_key(
                connection,
                organization_id=call.caller.organization_id,
                name=body.name,
                scopes=body.scopes,
                expires_at=body.expires_at,
                created_by=call.caller.actor,
            )
            found = await service.get_api_key(connection, new.id)
        return Answer(schemas.to_new_api_key(found, new), 201)

    async def revoke_api_key(self, call: Call) -> Answer:
        """Revoke a key, at once and for ever. Doing it again changes nothing."""
        key_id = call.id()
        async with self._db.write() as connection:
            revoked = await service.revoke_own_api_key(
                connection, call.caller.organization_id, key_id
            )
        self._forget_key(key_id)
        return Answer(schemas.to_api_key(revoked))

    # ---------- users ----------

    async def list_users(self, call: Call) -> Answer:
        """The people who talked to an assistant, those seen first most recently at the top."""
        async with self._db.read() as connection:
            page = await store.list_users(
                connection,
                call.caller.organization_id,
                limit=call.query.limit,
                cursor=call.query.cursor,
            )
        return Answer(schemas.to_users(page))
