"""Charts from rows: one specification for browser, server and documents, in one theme."""
