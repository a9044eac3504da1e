"""What can go wrong about who asks."""

from aihub.kit.errors import AppError, Conflict, Forbidden, NotFound, RateLimited, Unauthorized


class MissingScope(Forbidden):
    """Known, but not given the scope that the operation needs."""

    code = "missing_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope!r}.", required_scope=scope)


class CrossSite(Forbidden):
    """A write by cookie that another site may have caused."""

    code = "cross_site"

    def __init__(self) -> None:
        super().__init__("A cookie may change things only for requests of the hub's own pages.")


class NoOrganization(Forbidden):
    """Signed in, but a member of no organization."""

    code = "no_organization"

    def __init__(self) -> None:
        super().__init__("You are a member of no organization (any more).")


class UnknownOrganization(NotFound):
    """No such organization, or none that this caller may know of."""

    def __init__(self) -> None:
        super().__init__("There is no such organization.")


class WrongCredentials(Unauthorized):
    """The address or the password is wrong; which of them is not told."""

    code, title = "wrong_credentials", "Wrong e-mail address or password"


class LinkNotValid(Unauthorized):
    """A sign-in link that was used, has expired or never was."""

    code, title = "link_not_valid", "This link was used already or has expired"


class Locked(RateLimited):
    """Too many failed attempts to sign in."""

    code, title = "locked", "Too many failed attempts"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            f"Too many failed attempts: try again in {retry_after_s} seconds.",
            retry_after_s=retry_after_s,
        )


class SigningKeysAway(AppError):
    """The keys that tokens are signed with cannot be had, so no token can be judged."""

    status, code, title = 503, "signing_keys_unavailable", "Tokens cannot be checked now"

    def __init__(self) -> None:
        super().__init__(
            "The server of the signing keys does not answer.", headers={"Retry-After": "5"}
        )


class LastOwner(Conflict):
    """The organization would have no owner left."""

    code = "last_owner"

    def __init__(self) -> None:
        super().__init__("An organization keeps at least one owner. Make another one first.")


class AlreadyMember(Conflict):
    """The account is in the organization."""

    code = "already_member"

    def __init__(self) -> None:
        super().__init__("This account is a member already; change its role instead.")


class AccountExists(Conflict):
    """An address whose owner nobody has vouched for cannot be trusted by a second organization."""

    code = "account_exists"

    def __init__(self) -> None:
        super().__init__(
            "Another organization has invited this address. Ask the hub's operator to add it."
        )
