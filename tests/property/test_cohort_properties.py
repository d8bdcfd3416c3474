"""A cohort's table against a plain model of it: rows in are rows out, and a failure is never "not found"."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model import RowState
from runner.sinks.base import Outcome
from runner.sinks.cohort_table import CohortTable, Match

PEERS = ("a", "b", "c")

cells = st.lists(st.text(max_size=6), min_size=2, max_size=2)
matches = st.builds(
    lambda row, record, peer: Match(row, record, peer, [record]),
    st.integers(1, 8),
    st.sampled_from("rstuvwxyz"),
    st.integers(0, len(PEERS) - 1),
)


@settings(max_examples=200)
@given(
    st.lists(cells, min_size=8, max_size=8),
    st.lists(matches, max_size=40),
    st.sets(st.tuples(st.integers(1, 8), st.sampled_from(PEERS)), max_size=10),
    st.randoms(use_true_random=False),
)
def test_every_row_comes_out_in_its_place(
    rows: list[list[str]], found: list[Match], broken: set[tuple[int, str]], random: object
) -> None:
    table = CohortTable(PEERS, 1)
    table.add_rows(rows)
    outcomes = [
        Outcome("q", peer, row, (row, peer) not in broken, "gone" * ((row, peer) in broken))
        for peer in PEERS
        for row in range(1, len(rows) + 1)
    ]
    random.shuffle(outcomes)  # type: ignore[attr-defined]
    table.add_outcomes(outcomes)
    table.add_matches(found)
    judged = list(table.judged())
    assert [row.cells for row in judged] == rows
    for number, row in enumerate(judged, 1):
        of_row = [match for match in found if match.row == number]
        assert row.matches == len({match.record for match in of_row})
        assert row.peers == sorted({match.peer for match in of_row})
        gone = [peer for peer in PEERS if (number, peer) in broken]
        assert row.reason == " | ".join(f"{peer}: gone" for peer in gone)
        assert [value.split(" | ") for value in row.values] == [
            sorted({match.record for match in of_row}) or [""]
        ]
        sound = [match for match in of_row if PEERS[match.peer] not in gone]
        if gone and not sound:
            assert row.state is RowState.FAILED
        else:
            states = (RowState.NOT_FOUND, RowState.FOUND, RowState.AMBIGUOUS)
            assert row.state is states[min(row.matches, 2)]
