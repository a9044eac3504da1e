"""How fast AI Hub is on this machine: `python -m bench` (or `make bench`). See README.md."""
