"""What can go wrong about bills and the accounts that they come from."""

from aihub.kit.errors import AppError, Conflict, FieldError, Invalid, NotFound


class MalformedBill(Invalid):
    """A bill that cannot be read; says the file, the place in it, and what is wrong there."""

    code, title = "malformed_bill", "The bill cannot be read"

    def __init__(self, name: str, place: str, message: str) -> None:
        super().__init__(f"{name}: {place}: {message}", errors=[FieldError(place, message)])


class SecretKeyMissing(Conflict):
    """Credentials cannot be kept: the hub has no key to encrypt them with."""

    code, title = "secret_key_missing", "Credentials cannot be stored"

    def __init__(self) -> None:
        super().__init__(
            "Set AIHUB_SECRET_KEY and start the hub again: provider keys are stored encrypted only."
        )


class CredentialsUnreadable(Conflict):
    """Stored credentials were encrypted with another key, or are of another account."""

    code, title = "credentials_unreadable", "The stored credentials cannot be decrypted"

    def __init__(self) -> None:
        super().__init__(
            "AIHUB_SECRET_KEY is not the one that this account's key was stored with. Set the old "
            "one, or remove the account and add it again."
        )


class AccountNotFound(NotFound):
    """No such account."""

    code = "provider_account_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such provider account.")


class FetchUnderWay(Conflict):
    """Somebody else fetches this account just now."""

    code = "fetch_under_way"

    def __init__(self) -> None:
        super().__init__("This account is being fetched already. Look again in a minute.")


class ProviderFailed(AppError):
    """The provider does not give its bill; what was fetched before is kept."""

    status, code, title = 502, "provider_failed", "The provider did not answer as expected"


class ProviderRefused(ProviderFailed):
    """The provider does not accept the key."""

    code, title = "provider_refused", "The provider refused the key"

    def __init__(self, provider: str, status: int) -> None:
        super().__init__(
            f"{provider} refused the key (HTTP {status}): bills need an administrator's key of the "
            "organization that is neither revoked nor expired.",
            provider=provider,
        )


class ProviderAway(ProviderFailed):
    """The provider is away or wants us to wait for longer than we may."""

    status, code, title = 503, "provider_unavailable", "The provider is not available"
