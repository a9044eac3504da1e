"""Costs computed again, when the price book or the way of reading a usage has changed."""
