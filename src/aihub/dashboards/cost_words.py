"""The codes of a cost's note in plain words: what they mean, and what one can do. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PART = re.compile(r"; (?=[a-z_]+: )")
_CODED = re.compile(r"^([a-z_]+): (.+)$", re.DOTALL)

_TOLD = "Nothing has to be done."
_MEANINGS: Mapping[str, tuple[str, str]] = {
    # nothing to pay
    "free": ("The price book has this model at 0.", _TOLD),
    "local": ("The model runs on a machine of your own, so nobody charges for it.", _TOLD),
    "free_model": ("A free variant of the router was asked.", _TOLD),
    "free_endpoint": ("The provider does not charge for this operation.", _TOLD),
    "provisioned": ("The capacity is paid by the hour, whatever it is used for.", _TOLD),
    "not_processed": ("The provider did not process the request, so it does not charge.", _TOLD),
    "declined": ("A classifier declined before there was any output.", _TOLD),
    "refused": ("The provider refused the request, so it does not charge for it.", _TOLD),
    "stated": ("The provider itself said what it charges: that is the cost.", _TOLD),
    # no cost
    "no_price": (
        "The price book has no price for this model, or for a part of what was used.",
        "Set a price for the model, then reprice.",
    ),
    "no_model": ("The call names no model.", "Send model with each call."),
    "no_usage": (
        "The call came without usage and without text to count.",
        "Send the provider's usage object, or tokens.",
    ),
    "unknown_shape": (
        "The usage has a form that the hub does not know.",
        "Send it as the provider gave it, or in the normalised form.",
    ),
    "invalid_usage": ("The usage cannot be true as it is.", "Mend the field that is named."),
    # an estimate
    "failed": ("The call failed and came without usage: it is taken as not billed.", _TOLD),
    "no_split": (
        "Only a total was given. All of it is priced as input, so the true cost is higher.",
        "Send usage with input and output apart.",
    ),
    "counted": (
        "The tokens were counted here or by the caller, not reported by the provider.",
        "Send the provider's usage where there is one.",
    ),
    "prompt_unknown": ("The prompt was not given, so its tokens are missing.", "Send usage."),
    "answer_unknown": ("The answer was not given, so its tokens are missing.", "Send usage."),
    "early": ("The call is older than the first price known; that one was taken.", _TOLD),
    "inherited": ("Another provider's price of the same model was taken.", "Set a price."),
    "no_rate": (
        "The book has no rate for these circumstances; the standard one was taken.",
        "Set a price with this variant.",
    ),
    "stand_in_price": ("A part has no price of its own; a related one was taken.", "Set a price."),
    "fee_left_out": ("A fee has no price in the book and is not in the cost.", "Set a price."),
    "total_mismatch": ("The parts do not add up to the total that was given.", "Check the usage."),
    "details_mismatch": ("The details are more than the whole; they were cut off.", "Check it."),
    "cached_above_input": ("More tokens are called cached than there are.", "Check the usage."),
    "cache_beside_input": ("Nothing says whether cached tokens are part of the input.", _TOLD),
    "reasoning_above_output": ("More reasoning is given than output.", "Check the usage."),
    "reasoning_beside_output": ("Nothing says whether reasoning is part of the output.", _TOLD),
    "no_modality": ("Nothing says whether tokens are text, sound or pictures.", _TOLD),
    "no_prompt_count": ("The prompt came from a cache and was not counted.", _TOLD),
    "not_billed_units": ("Tokens are given in place of the units that are billed.", _TOLD),
    "other_model": ("A part was used of other models and is not in this cost.", _TOLD),
    "fallback_credit": ("A credit lowers the bill by an amount that is not stated.", _TOLD),
    "free_allowance": ("A part may have been within a free allowance.", _TOLD),
    "no_usage_of_tool": ("What a tool made is not counted.", _TOLD),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a note: its `code` (empty where it has none), what it says here (`detail`),
    what it means and what to do."""

    code: str
    detail: str
    meaning: str
    remedy: str


def read_note(note: str | None) -> list[Reason]:
    """The reasons in a cost's note."""
    return [_read_part(part) for part in _PART.split(note)] if note else []


def explain_code(code: str) -> Reason:
    """What a code means, without the case at hand."""
    meaning, remedy = _MEANINGS.get(code, ("", ""))
    return Reason(code, "", meaning, "" if remedy == _TOLD else remedy)


def _read_part(part: str) -> Reason:
    coded = _CODED.match(part)
    if coded is None or coded[1] not in _MEANINGS:
        return Reason("", part, "", "")
    reason = explain_code(coded[1])
    return Reason(reason.code, coded[2], reason.meaning, reason.remedy)
