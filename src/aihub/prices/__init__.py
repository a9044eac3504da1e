"""The price book in the database: its layers, versions, imports, and who may change it."""
