"""For those who run a hub: its state, figures for Prometheus, checks that tell the truth."""
