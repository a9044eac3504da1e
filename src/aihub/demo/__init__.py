"""A sample month of three made-up organizations, and a trickle that keeps it alive."""
