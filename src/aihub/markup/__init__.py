"""Markup: from what the provider charges for a call to what the operator charges its customer."""
