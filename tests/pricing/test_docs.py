"""The guide knows every reason that a note can give, and every kind of quantity."""

import re
from pathlib import Path

import aihub.pricing
from aihub.pricing.components import COMPONENTS
from aihub.pricing.usage import flags

_SOURCE = Path(aihub.pricing.__file__).parent
_GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "prices.md"


def _codes() -> set[str]:
    source = "".join(path.read_text(encoding="utf-8") for path in _SOURCE.rglob("*.py"))
    named = {
        value for name, value in vars(flags).items() if name.isupper() and isinstance(value, str)
    }
    return named | set(re.findall(r'Flag\(\s*"(\w+)"', source)) | set(
        re.findall(r'"([a-z_]+): [a-z]', source)
    )  # fmt: skip


def test_the_guide_explains_every_code() -> None:
    guide = _GUIDE.read_text(encoding="utf-8")
    codes = _codes()
    assert len(codes) > 30
    assert {code for code in codes if f"`{code}`" not in guide} == set()


def test_the_guide_names_every_kind_of_quantity() -> None:
    guide = _GUIDE.read_text(encoding="utf-8")
    assert {name for name in COMPONENTS if f"`{name}`" not in guide} == set()
