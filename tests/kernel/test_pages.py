"""Pages: as many entries as were asked for, and the place of the last where one more was found."""

from __future__ import annotations

from services.kernel.pages import page_of


def test_one_more_than_asked_tells_that_a_page_follows() -> None:
    page = page_of([3, 5, 7], 2, lambda entry: (entry,))
    assert (page.entries, page.end) == ((3, 5), (5,))


def test_as_many_as_asked_or_none_are_the_last_page() -> None:
    assert page_of([3, 5], 2, lambda entry: (entry,)).end is None
    assert page_of([], 2, lambda entry: (entry,)).entries == ()
