"""What can be wrong with a change of the price book."""

from aihub.kit.errors import NotFound


class PriceNotFound(NotFound):
    """No such price, or one that comes with the hub and is not to be removed by hand."""

    code, title = "price_not_found", "There is no such price"
