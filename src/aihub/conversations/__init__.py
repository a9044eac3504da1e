"""Conversations: their life cycle, messages, model calls and feedback."""
