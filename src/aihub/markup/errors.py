"""What can go wrong about markup rules."""

from aihub.kit.errors import Conflict, NotFound


class RuleNotFound(NotFound):
    """No such rule, or none that this caller may know of."""

    code = "markup_rule_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such markup rule.")


class ScopeFixed(Conflict):
    """A rule stays with the organization, the plan or the default that it was made for."""

    code = "markup_scope_fixed"

    def __init__(self, rule_key: str) -> None:
        super().__init__(
            f"The rule {rule_key!r} belongs to another organization or plan, for good. "
            "Retire it and make one with another rule_key.",
            rule_key=rule_key,
        )
