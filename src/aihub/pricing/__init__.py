"""Pricing: what a model call used, in one normalised form, and what it costs, exactly."""
