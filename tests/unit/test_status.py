"""What statuses mean."""

from __future__ import annotations

import pytest

from runner.status import Category, meaning


@pytest.mark.parametrize(
    ("status", "category", "words"),
    [
        (0x0000, Category.SUCCESS, "success"),
        (0xFE00, Category.CANCEL, "cancel"),
        (0xFF00, Category.PENDING, "pending"),
        (0xFF01, Category.PENDING, "optional keys"),
        (0xA700, Category.FAILURE, "out of resources"),
        (0xA800, Category.FAILURE, "SOP class not supported"),
        (0xA701, Category.FAILURE, "out of resources"),
        (0xA900, Category.FAILURE, "does not match"),
        (0xC000, Category.FAILURE, "unable to process"),
        (0xCFFF, Category.FAILURE, "unable to process"),
        (0x0122, Category.FAILURE, "SOP class not supported"),
        (0x0124, Category.FAILURE, "not authorized"),
        (0xB000, Category.WARNING, "warning"),
        (0x0001, Category.WARNING, "warning"),
        (0x0107, Category.WARNING, "warning"),
        (0xFF02, Category.FAILURE, "does not define"),
        (0x1234, Category.FAILURE, "does not define"),
        (0xFFFF, Category.FAILURE, "does not define"),
    ],
)
def test_meaning(status: int, category: Category, words: str) -> None:
    means = meaning(status)
    assert means.category is category
    assert words in means.text


def test_only_zero_is_success() -> None:
    assert [status for status in range(0x10000) if meaning(status).category is Category.SUCCESS] == [0]


def test_every_failure_has_advice() -> None:
    assert all(
        meaning(status).advice for status in range(0x10000) if meaning(status).category is Category.FAILURE
    )
