"""What the commands print."""

from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Output:
    """Results to standard output, everything else to standard error, so that scripts can read."""

    def __init__(self, console: Console | None) -> None:
        self.results = console or Console()
        self.notes = console or Console(stderr=True)

    def result(self, text: str) -> None:
        """One line of the result."""
        # one line, whole, whatever the width of the terminal: it may be a key
        self.results.print(text, markup=False, highlight=False, soft_wrap=True)

    def note(self, text: str, *, style: str | None = None) -> None:
        """One line for people."""
        self.notes.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def table(*columns: str) -> Table:
    """An empty table; long values are folded, never cut."""
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def add_row(table: Table, *values: object) -> None:
    """One row, as text."""
    # names are other people's: they must not become markup
    table.add_row(*(escape(str(value)) for value in values))


def day(at: datetime | None) -> str:
    """The day of a time; nothing for None."""
    return f"{at:%Y-%m-%d}" if at else ""


def seconds(count: int) -> str:
    """A number of seconds, where 0 means never."""
    return f"{count:,} s" if count else "never"
