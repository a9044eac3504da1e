"""Every reason why measured quantities may miss the bill: stable codes, each said once."""

from aihub.pricing.models import Flag

TOTAL_MISMATCH = "total_mismatch"
DETAILS_MISMATCH = "details_mismatch"
DETAILS_UNREADABLE = "details_unreadable"
CACHED_ABOVE_INPUT = "cached_above_input"
CACHE_BESIDE = "cache_beside_input"
REASONING_ABOVE_OUTPUT = "reasoning_above_output"
REASONING_BESIDE = "reasoning_beside_output"
NO_MODALITY = "no_modality"
NO_PROMPT_COUNT = "no_prompt_count"
NOT_BILLED_UNITS = "not_billed_units"
OTHER_MODEL = "other_model"
FALLBACK_CREDIT = "fallback_credit"
FREE_ALLOWANCE = "free_allowance"
NO_USAGE_OF_TOOL = "no_usage_of_tool"


def total_mismatch(parts: int, stated: int) -> Flag:
    """The parts do not add up to the provider's own total and no known rule explains it."""
    return Flag(TOTAL_MISMATCH, f"the parts add up to {parts} tokens, the stated total is {stated}")


def details_mismatch(what: str, parts: int, whole: int) -> Flag:
    """The parts of one direction are more than all of it; they are cut off."""
    return Flag(DETAILS_MISMATCH, f"{what} details add up to {parts} of {whole} tokens")


def details_unreadable(key: str) -> Flag:
    """The parts of one direction are told in a form that nobody knows; its whole counts."""
    return Flag(DETAILS_UNREADABLE, f"{key} is no object with counts")


def cached_above_input(cached: int, whole: int) -> Flag:
    """More tokens from and into the cache than there are; the input is taken as all cached."""
    return Flag(CACHED_ABOVE_INPUT, f"{cached} cached tokens in an input of {whole}")


def cache_beside(cached: int, whole: int) -> Flag:
    """More cached tokens than input and no total that decides: taken as beside the input."""
    return Flag(CACHE_BESIDE, f"{cached} cached tokens taken as beside an input of {whole}")


def reasoning_above_output(reasoning: int, whole: int) -> Flag:
    """More reasoning than output where it is inside; the output counts."""
    return Flag(REASONING_ABOVE_OUTPUT, f"{reasoning} reasoning tokens in an output of {whole}")


def reasoning_beside(reasoning: int) -> Flag:
    """No total says where the reasoning is: taken as beside the output."""
    return Flag(REASONING_BESIDE, f"{reasoning} reasoning tokens taken as beside the output")


def no_modality(kind: str) -> Flag:
    """The modality of the tokens is not stated: what such a model mostly makes is assumed."""
    return Flag(NO_MODALITY, f"tokens of no stated kind taken as {kind}")


NO_PROMPT = Flag(NO_PROMPT_COUNT, "the prompt was not counted, it came from a cache")
UNBILLED_UNITS = Flag(NOT_BILLED_UNITS, "tokens in place of billed units, which were not stated")
CREDIT_REDEEMED = Flag(FALLBACK_CREDIT, "a fallback credit lowers the bill by an unstated amount")
ALLOWANCE_UNKNOWN = Flag(FREE_ALLOWANCE, "grounding is priced, whether it was free is not known")
IMAGES_UNMETERED = Flag(NO_USAGE_OF_TOOL, "images that a tool made are not counted")


def other_model(models: str) -> Flag:
    """A part of the bill is at the rates of other models and is not in these quantities."""
    return Flag(OTHER_MODEL, f"without what was used of {models}")
