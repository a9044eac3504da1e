"""The one error that a caller of this slice can cause."""


class InvalidUsage(ValueError):
    """A quantity that no provider can have reported: negative, fractional, too large, not a number.

    `field` is the path to it (`usage.prompt_tokens`), `message` what it must be.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}")
        self.field = field
        self.message = message
