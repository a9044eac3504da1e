"""The book a process prices with, kept fresh."""

import logging

from aihub.kit.db import Database
from aihub.kit.errors import DatabaseAway, DiskFull
from aihub.prices import service, store
from aihub.pricing import api as pricing

_log = logging.getLogger(__name__)


class PriceBook:
    """The newest book this process knows of.

    Until the database has been asked, and while it is away, the prices of the release hold; calls
    are stored with the version they were priced with, whichever it was.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._version_id: int | None = None
        self._book: pricing.Book | None = None

    @property
    def current(self) -> pricing.Book:
        """What calls are priced with now."""
        return self._book if self._book is not None else pricing.load_book()

    async def start(self) -> None:
        """Take in the prices of this release, where they are new, and read the book."""
        try:
            async with self._db.read() as connection:
                release, _ = await store.get_taken_in(connection)
            number = pricing.read_release().number
            if release is None or release < number:
                # read for this once, not to be kept in memory beside the database's
                shipped = pricing.read_folder(pricing.FOLDER)
                async with self._db.write() as connection:
                    version = await service.take_in_release(connection, shipped)
                if version is not None:
                    _log.info("took in the prices of release %d", number)
            await self.refresh()
        except (DatabaseAway, DiskFull) as error:
            _log.warning("priced with the prices of this release for now: %s", error)

    async def refresh(self) -> None:
        """Read the book again where it has changed: one small question when it has not."""
        async with self._db.read() as connection:
            latest = await store.get_latest_id(connection)
            if latest is None or latest == self._version_id:
                return
            book = await service.load_version(connection, latest)
        if book is not None:
            self._book, self._version_id = book, latest
