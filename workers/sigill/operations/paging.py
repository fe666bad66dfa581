"""Pages of a list that is in memory: newest first, and a cursor that names the last one of a page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, in its order; `first` is the place of the first of them, from 1, and `total` how many the list has."""

    items: tuple[T, ...]
    next: str | None
    """The name after which the next page begins; None: this is the last."""
    first: int
    total: int

    @property
    def last(self) -> int:
        """The place of the last one."""
        return self.first + len(self.items) - 1


def page_of(
    items: Iterable[T],
    *,
    order: Callable[[T], Any],
    name: Callable[[T], str],
    after: str | None,
    most: int | None,
) -> Page[T]:
    """
    Return the page that follows the one named `after`: at most `most` of the list, the greatest by `order` first.

    Whatever is added to the list in front of `after` moves nothing. Where nobody has that name (any more), and with None, it is the first page.
    """
    listed = sorted(items, key=order, reverse=True)
    begins = next((place for place, one in enumerate(listed, 1) if name(one) == after), 0) if after else 0
    shown = listed[begins:] if most is None else listed[begins : begins + most]
    more = bool(shown) and begins + len(shown) < len(listed)
    return Page(tuple(shown), name(shown[-1]) if more else None, begins + 1, len(listed))
