"""Operations that the workers of a peer share: what becomes of those that a worker hands back."""

from __future__ import annotations

from typing import Any

from runner.engine.operation_queue import OperationQueue
from runner.errors import ConnectError

REFUSAL = ConnectError("refused", "")


def queue(*operations: Any) -> OperationQueue:
    made = OperationQueue(iter(operations))
    for worker in ("first", "second"):
        made.join(worker)
    return made


def test_what_is_handed_back_comes_next() -> None:
    made = queue("a", "b")
    assert made.take("first") == "a"
    made.keep("first")
    assert made.take("second") == "b"
    assert made.give_back("second", "b", REFUSAL)  # type: ignore[arg-type]
    assert made.take("first") == "b"
    assert (made.reached, made.refusal, made.deserted) == (True, REFUSAL, False)


def test_the_last_worker_hands_nothing_back() -> None:
    made = queue("a", "b")
    assert made.take("first") == "a"
    assert made.give_back("first", "a", REFUSAL)  # type: ignore[arg-type]
    assert made.take("second") == "a"
    assert not made.give_back("second", "a", REFUSAL)  # type: ignore[arg-type]
    assert made.deserted
