"""Daily reports of each organization, kept with their versions; cohorts, adoption, engagement."""
