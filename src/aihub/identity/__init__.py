"""Who asks: organizations, users, members, API keys, accounts, sessions and tokens."""
