"""Numbers found beside numbers expected: how many, and which differ."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from evaluation.analytics_rows import Sums

_LONG = 18
_SHOWN = 40


@dataclass
class Ledger:
    """What was compared, by what it is of."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def equal(self, what: str, where: str, found: Any, exact: Any) -> None:
        """The same to the last digit."""
        self._tell(what, where, found, exact, is_right=found == exact)

    def ratio(
        self, what: str, where: str, found: Any, exact: Decimal | None, digits: int = _LONG
    ) -> None:
        """A quotient or a root: `exact`, rounded at `digits` behind the point."""
        is_right = (
            found is None
            if exact is None
            else found is not None and _near(Decimal(found), exact, Decimal(1).scaleb(-digits) / 2)
        )
        self._tell(what, where, found, exact, is_right=is_right)

    def within(self, what: str, where: str, found: Any, exact: int | None) -> None:
        """A percentile within 1 %; 0 ms counts as 1."""
        is_right = (
            found is None
            if exact is None
            else found is not None
            and _near(Decimal(found), Decimal(max(exact, 1)), Decimal(max(exact, 1)) / 100)
        )
        self._tell(what, where, found, exact, is_right=is_right)

    def keys(self, what: str, where: str, found: Any, exact: Any) -> None:
        """The same rows, whatever their order."""
        more, less = (
            sorted(map(str, set(found) - set(exact))),
            sorted(map(str, set(exact) - set(found))),
        )
        self._tell(what, f"{where}: rows", f"besides {more[:3]}", f"besides {less[:3]}",
                   is_right=not more and not less)  # fmt: skip

    def usage(
        self, what: str, where: str, found: Mapping[str, Any] | None, exact: Sums,
        *, without: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """All sums of a row."""
        told = found if found is not None else {}
        for name, value in exact.told().items():
            if name not in without:
                self.equal(what, f"{where}: {name}", told.get(name), value)
        for percent in (50, 95, 99):
            name = f"response_time_p{percent}"
            if name not in without:
                self.within(what, f"{where}: {name}", told.get(name), exact.percentile(percent))

    def file(
        self, what: str, where: str, found: list[dict[str, str]],
        exact: Mapping[Any, dict[str, Any]], key: tuple[str, ...],
        near: tuple[str, ...] = (), ratios: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """A table as a file: rows by `key` (text), each with its columns."""
        by_key = {tuple(row[name] for name in key): row for row in found}
        self.keys(what, where, by_key, exact)
        self.equal(what, f"{where}: number of rows", len(found), len(exact))
        for each, columns in exact.items():
            row = by_key.get(each, {})
            self.keys(what, f"{where} {each}: columns", set(row) - set(key), columns)
            for name, value in columns.items():
                place, cell = f"{where} {each}: {name}", _read(row.get(name))
                if name in near:
                    self.within(what, place, cell, value)
                elif name in (ratios or {}):
                    self.ratio(what, place, cell, value, (ratios or {})[name])
                else:
                    self.equal(what, place, cell, value)

    def _tell(self, what: str, where: str, found: Any, exact: Any, *, is_right: bool) -> None:
        self.counts[what] += 1
        if not is_right:
            self.wrong[what].append(f"{where}: {found}, not {exact}")

    def take(self, other: "Ledger") -> None:
        """What another has."""
        for what, count in other.counts.items():
            self.counts[what] += count
            self.wrong[what] += other.wrong[what]

    @property
    def is_right(self) -> bool:
        """Whether something was compared, and nothing differs."""
        return bool(self.counts) and not any(self.wrong.values())

    def show(self, *, most: int = _SHOWN) -> None:
        """The table, and the first that differ."""
        for what, lines in self.wrong.items():
            for line in lines[:most]:
                print(f"WRONG {what}: {line}")
        width = max(map(len, self.counts), default=0) + 2
        print(f"{'':{width}}{'compared':>10}{'differ':>8}")
        for what, count in self.counts.items():
            print(f"{what:{width}}{count:10,}{len(self.wrong.get(what, [])):8,}")
        all_wrong = sum(map(len, self.wrong.values()))
        print(f"{'all':{width}}{sum(self.counts.values()):10,}{all_wrong:8,}")


def _near(found: Decimal, exact: Decimal, distance: Decimal) -> bool:
    return abs(found - exact) <= distance


def _read(cell: str | None) -> Any:
    """A cell as the number it is, None where it is empty."""
    if cell is None or cell == "":
        return None
    try:
        return Decimal(cell)
    except InvalidOperation:
        return cell
