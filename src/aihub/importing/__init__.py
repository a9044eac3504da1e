"""Conversations from files: reads them, counts what was not metered, and hands on events."""
