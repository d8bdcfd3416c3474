"""Keys with periods, several values and rows: what is counted is what is made, and all of it is legal."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.dicom.values import problem_with_value
from runner.jobfile.clock import Clock
from runner.jobfile.load import load_job
from runner.plan import operations, planned

CLOCKS = ["2024-03-31T03:30:00+02:00", "2024-10-27T02:10:00+01:00", "2024-02-29T00:30:00Z"]

dates = st.sampled_from(
    [{"last": "1mo"}, {"from": "2024-01-01", "to": "${row.A}"}, {"on": "${row.A}"}, "${today}", None]
)
times = st.sampled_from(
    [{"last": "${row.B}min"}, {"last": "1h"}, {"from": "08:30", "to": "23"}, {"on": "now-1h"}, "${now}-"]
)
moments = st.sampled_from(
    [{"last": "${row.B}h"}, {"from": "today-7d", "to": None}, {"on": "${row.A}"}, "${now-2h}", "20240101-"]
)
uids = st.sampled_from(["1.2.${row.B}3", "1.2", "1.3", None])
texts = st.sampled_from(["A*", "${row.A}x", "Müller", None, "${row.B}"])


def one_or_any(values):
    return values | st.builds(lambda some: {"any_of": some}, st.lists(values, min_size=1, max_size=4))


keys = st.fixed_dictionaries(
    {"PatientID": st.just("${row.B}")},
    optional={
        "StudyDate": one_or_any(dates),
        "StudyTime": one_or_any(times),
        "AcquisitionDateTime": one_or_any(moments),
        "StudyInstanceUID": one_or_any(uids),
        "PatientName": one_or_any(texts),
        "RequestAttributesSequence": st.tuples(
            st.fixed_dictionaries({"ScheduledProcedureStepStartDate": one_or_any(dates)})
        ),
    },
)


def elements(identifier):
    for element in identifier:
        if isinstance(element.value, tuple):
            for item in element.value:
                yield from elements(item)
        else:
            yield element


@settings(max_examples=60)
@given(keys, st.sampled_from(CLOCKS), st.booleans())
def test_what_is_counted_is_made_and_legal(chosen, now, check_rows):
    query = {
        "model": "worklist",
        "foreach": {"values": {"A": ["2024-01-01", "", "today"], "B": ["1", "23", "5"]}},
        "keys": chosen,
    }
    job = {"version": 1, "peers": {"p": {"host": "localhost", "port": 104}}, "queries": {"q": query}}
    with TemporaryDirectory() as folder:
        path = Path(folder, "job.yaml")
        path.write_text(json.dumps(job), encoding="utf-8")
        clock = Clock.at(now).in_zone("UTC")
        loaded, problems = load_job(path, check_rows=check_rows, clock=clock)
        assert loaded is not None, problems
        made = list(operations(loaded))
        assert len(made) == planned(loaded)
        assert len({operation.source for operation in made}) == len(made)
        for operation in made:
            for element in elements(operation.identifier):
                assert problem_with_value(element.vr, element.value) is None
