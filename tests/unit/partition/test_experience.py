"""What is learnt from a peer's answers to parts: when to cut no further."""

from __future__ import annotations

from runner.partition.experience import Experience


def test_quiet_times_do_not_keep_a_vain_search_going() -> None:
    """A peer that refuses every time with a record answers those without any, for ever."""
    experience = Experience()
    experience.note_whole((0.0, 1.0), 3)
    asked = 0
    while not experience.is_futile:
        experience.note_cap(0)
        experience.note_whole((1.0, 1.5), 0)
        asked += 1
        assert asked < 1000
    experience.note_whole((2.0, 2.5), 1)
    assert not experience.is_futile
