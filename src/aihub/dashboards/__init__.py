"""The pages people see: sign-in, home, the list of conversations, one conversation."""
