"""How well the hub does its work, measured on data from outside."""
