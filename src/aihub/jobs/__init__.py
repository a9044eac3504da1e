"""Work in the background: a queue in PostgreSQL, workers and schedules. No word of our domain."""
