"""What other slices and the roots may import."""

from aihub.markup.checks import check_drafts
from aihub.markup.errors import RuleNotFound, ScopeFixed
from aihub.markup.models import (
    Included,
    MarkupRule,
    Page,
    PeriodPrice,
    PeriodSums,
    PricedRequest,
    PriceLine,
    RuleDraft,
    Step,
    Subject,
    Tiers,
    Written,
)
from aihub.markup.period_prices import has_period_part, price_period
from aihub.markup.request_prices import price_request
from aihub.markup.routes import MarkupRoutes
from aihub.markup.rules import RuleSet, choose_period_rules, choose_rule, is_for
from aihub.markup.schemas import MarkupLineOut, read_rules, read_what_if, show_price_line
from aihub.markup.service import (
    MarkupRules,
    list_rules,
    list_rules_of,
    list_versions,
    put_rules,
    retire_rule,
    what_if,
)
from aihub.markup.what_if_models import WhatIf, WhatIfLine, WhatIfPeriod

__all__ = [
    "Included",
    "MarkupLineOut",
    "MarkupRoutes",
    "MarkupRule",
    "MarkupRules",
    "Page",
    "PeriodPrice",
    "PeriodSums",
    "PriceLine",
    "PricedRequest",
    "RuleDraft",
    "RuleNotFound",
    "RuleSet",
    "ScopeFixed",
    "Step",
    "Subject",
    "Tiers",
    "WhatIf",
    "WhatIfLine",
    "WhatIfPeriod",
    "Written",
    "check_drafts",
    "choose_period_rules",
    "choose_rule",
    "has_period_part",
    "is_for",
    "list_rules",
    "list_rules_of",
    "list_versions",
    "price_period",
    "price_request",
    "put_rules",
    "read_rules",
    "read_what_if",
    "retire_rule",
    "show_price_line",
    "what_if",
]
