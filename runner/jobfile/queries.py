"""From the `queries` of a job file to the model."""

from __future__ import annotations

from collections.abc import Sequence

from runner.dicom.dictionary import Dictionary
from runner.jobfile.peers import is_name
from runner.jobfile.requests import read_requests
from runner.jobfile.section import Section
from runner.model import InformationModel, Query


def read_queries(
    queries: Section, peers: Sequence[str], dictionary: Dictionary, *, check_rows: bool = True
) -> tuple[Query, ...]:
    """Make queries.

    Args:
        queries: the mapping of names to queries.
        peers: the names of the job's peers; empty where the schema has complained about them.
        dictionary: names and VRs.
        check_rows: whether all rows of a `foreach` are looked at.
    """
    return tuple(
        _query(name, section, peers, dictionary, check_rows=check_rows)
        for name, section in queries.members()
        if is_name(name, section) and isinstance(section.data, dict)
    )


def _query(
    name: str,
    query: Section,
    peers: Sequence[str],
    dictionary: Dictionary,
    *,
    check_rows: bool,
) -> Query:
    text = query["model"].text()
    known = text in {model.value for model in InformationModel}
    model = InformationModel(text) if known else None
    requests, columns = read_requests(query, model, dictionary, check_rows=check_rows)
    return Query(
        name=name,
        peers=_peers(query, peers),
        model=model or InformationModel.STUDY_ROOT,
        requests=requests,
        columns=columns,
        cancel_after=query["cancel_after"].integer(None),
        repeat=query["repeat"].integer(1) or 1,
    )


def _peers(query: Section, peers: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the peers that a query goes to; complain where there are none such."""
    if "peer" in query:
        named = [query["peer"]]
    elif "peers" in query:
        named = list(query["peers"].items())
    else:
        if len(peers) > 1:
            what = f"the job has {len(peers)} peers, and the query does not say which it asks"
            query.problem(
                what, f"add 'peer', one of {', '.join(peers)}, or 'peers' with a list of them", of_key=True
            )
        return tuple(peers[:1])
    for section in named:
        name = section.text()
        if name and peers and name not in peers:
            from runner.jobfile.schema_problems import meant

            likely = meant(name, peers)
            advice = f"did you mean {likely!r}?" if likely else f"the job has {', '.join(peers)}"
            section.problem(f"there is no peer {name!r}", advice)
    return tuple(section.text() for section in named)
