"""From the `queries` of a job file to the model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from runner.dicom.dictionary import Dictionary
from runner.jobfile.keys import UsedKeys, read_keys
from runner.jobfile.peers import is_name
from runner.jobfile.requests import read_requests
from runner.jobfile.section import Section
from runner.model import InformationModel, Query, Request, Requests, Split


def read_queries(
    queries: Section,
    peers: Sequence[str],
    dictionary: Dictionary,
    key_sets: Section,
    *,
    reconciled: Collection[str] = (),
    check_rows: bool = True,
) -> tuple[Query, ...]:
    """Make queries, and check the key sets that none of them uses.

    Args:
        queries: the mapping of names to queries.
        peers: the names of the job's peers; empty where the schema has complained about them.
        dictionary: names and VRs.
        key_sets: the mapping of names to key sets.
        reconciled: the names of those whose records are counted for each row.
        check_rows: whether all rows of a `foreach` are looked at.
    """
    reading = _Reading(tuple(peers), dictionary, key_sets, reconciled, check_rows)
    made = tuple(
        reading.query(name, section)
        for name, section in queries.members()
        if is_name(name, section) and isinstance(section.data, dict)
    )
    check_key_sets(key_sets, dictionary, reading.used)
    return made


def check_key_sets(key_sets: Section, dictionary: Dictionary, used: Collection[str | int]) -> None:
    """Complain about the names of key sets, and about what is wrong with those that no query uses.

    Args:
        key_sets: the mapping of names to key sets.
        dictionary: names and VRs.
        used: the names of those that are read together with the keys of a query.
    """
    for name, section in key_sets.members():
        if is_name(name, section) and name not in used:
            read_keys(section, dictionary)


def _used(use: Section, key_sets: Section) -> Iterator[UsedKeys]:
    """Yield the key sets that a query uses, in its order; complain about names that there are not."""
    for item in use.texts():
        name = item.text()
        if name in key_sets:
            yield UsedKeys(item, key_sets[name])
        elif name:
            from runner.jobfile.schema_problems import meant

            known = [known for known, _ in key_sets.members()]
            likely = meant(name, known)
            advice = f"the job has {', '.join(known)}" if known else "add it under 'key_sets'"
            item.problem(f"there is no key set {name!r}", f"did you mean {likely!r}?" if likely else advice)


@dataclass(frozen=True, slots=True)
class _Above:
    """A query for whose records others are asked, and the tags of what it passes down to them."""

    query: Query
    passes_down: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the queries of one job.

    Attributes:
        peers: the names of the job's.
        dictionary: names and VRs.
        key_sets: the mapping of names to key sets.
        reconciled: the names of queries whose records are counted for each row.
        check_rows: whether all rows of a `foreach` are looked at.
        names: of the queries that were read, and where they stand.
        used: the names of the key sets that they use.
    """

    peers: tuple[str, ...]
    dictionary: Dictionary
    key_sets: Section
    reconciled: Collection[str]
    check_rows: bool
    names: dict[str, Section] = field(default_factory=dict)
    used: set[str | int] = field(default_factory=set)

    def query(self, name: str, query: Section, above: _Above | None = None) -> Query:
        """Make a query and those below it.

        Args:
            name: its name.
            query: where it stands.
            above: the query for whose records it is asked; None for one of the plan.
        """
        first = self.names.setdefault(name, query)
        if first is not query:
            what = f"another query has this name, {first.other(query)}"
            query.problem(what, "give each a name of its own", of_key=True)
        text = query["model"].text()
        known = text in {model.value for model in InformationModel}
        model = InformationModel(text) if known else None
        if above is not None:
            model = above.query.model
        used = tuple(_used(query["use"], self.key_sets))
        self.used.update(one.keys.path[-1] for one in used)
        requests, columns, rules = read_requests(
            query,
            model,
            self.dictionary,
            used,
            check_rows=self.check_rows,
            counts_records=above is None and name in self.reconciled,
        )
        made = Query(
            name=name,
            peers=_peers(query, self.peers) if above is None else above.query.peers,
            model=model or InformationModel.STUDY_ROOT,
            requests=requests,
            columns=columns,
            cancel_after=query["cancel_after"].integer(None),
            repeat=query["repeat"].integer(1) or 1,
            match=rules.match,
            deduplicate=rules.deduplicate,
            expect=rules.expect,
            split=_split(query, model, requests, self.dictionary),
            inherits=above.passes_down if above is not None else (),
            record=rules.record,
            only_new=query["only"].text() == "new",
        )
        if above is not None:
            from runner.jobfile.drill_down import check_below

            check_below(query, made, above.query)
        below = tuple(
            self.query(child, section, _Above(made, rules.passes_down))
            for child, section in query["then"].members()
            if is_name(child, section) and isinstance(section.data, dict)
        )
        return replace(made, then=below)


def _split(
    query: Section,
    model: InformationModel | None,
    requests: tuple[Request, ...] | Requests,
    dictionary: Dictionary,
) -> Split | None:
    if "split" not in query:
        return None
    from runner.jobfile.split import read_split

    return read_split(query, model, requests, dictionary)


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
