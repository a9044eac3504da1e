"""What can go wrong with the embedded server; every message says what to do about it."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used."""


class BinariesNotFound(EmbeddedError):
    """No usable PostgreSQL binaries, or the ones named cannot be run."""


class WrongMajorVersion(EmbeddedError):
    """The data folder was made by another major version than the binaries have."""


class DataFolderUnusable(EmbeddedError):
    """The data folder cannot be created, reached or trusted."""


class DataFolderInUse(EmbeddedError):
    """Another server runs on the data folder and does not let us in."""


class NoUnprivilegedUser(EmbeddedError):
    """AI Hub runs as root and has no other operating system user to run PostgreSQL as."""


class InitFailed(EmbeddedError):
    """`initdb` could not make a new data folder."""


class StartFailed(EmbeddedError):
    """The server did not start, or does not answer."""


class StopFailed(EmbeddedError):
    """The server was told to stop and is still running."""
