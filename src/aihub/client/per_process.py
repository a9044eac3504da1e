"""Surviving a fork."""

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value that each process makes for itself.

    After a fork the child has the parent's memory but not its threads, and must not touch its
    sockets or its SQLite connections: it makes its own, and keeps the parent's unused.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._inherited: list[T] = []
        self._pid = os.getpid()
        self._value = make()

    def get(self) -> T:
        """This process's value."""
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._inherited.append(self._value)
                    self._value = self._make()
                    self._pid = os.getpid()
        return self._value
