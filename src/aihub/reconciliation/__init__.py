"""What the hub computed beside what the providers bill: by day, provider and model, with drift."""
