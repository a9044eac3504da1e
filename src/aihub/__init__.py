"""AI Hub: every conversation a product has with AI, recorded, priced exactly and shown live."""

__version__ = "0.1.0"
