from __future__ import annotations

from runner.engine.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_turns_are_evenly_apart_however_many_ask() -> None:
    clock = Clock()
    pace = Pace(4, clock)
    assert [pace.turn() for _ in range(5)] == [0, 0.25, 0.5, 0.75, 1.0]


def test_time_that_was_not_used_is_not_made_up_for() -> None:
    clock = Clock()
    pace = Pace(10, clock)
    pace.turn()
    clock.now += 60
    assert [round(pace.turn(), 6) for _ in range(3)] == [0, 0.1, 0.2]


def test_a_slow_answer_is_part_of_the_time_between_two_turns() -> None:
    clock = Clock()
    pace = Pace(2, clock)
    waited = []
    for _ in range(4):
        waited.append(round(pace.turn(), 6))
        clock.now += waited[-1] + 0.4
    assert waited == [0, 0.1, 0.1, 0.1]


def test_less_than_one_a_second() -> None:
    pace = Pace(0.1, Clock())
    assert [pace.turn() for _ in range(3)] == [0, 10, 20]
