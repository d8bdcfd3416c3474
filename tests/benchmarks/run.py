"""Measure cfind against DCMTK's findscu: `python tests/benchmarks/run.py`.

Whole processes, in alternating pairs, on a canned SCP and on the real peers; the table goes to
docs/benchmarks.md. With --quick everything is small and the numbers mean nothing.

It runs in the environment that cfind is installed in; DCMTK and Orthanc must be installed
(tests/run.py does both).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from measuring import Comparison, Program, compare, peak_memory  # noqa: E402 - found by the line above
from peers import certificates, dcmqrscp, orthanc  # noqa: E402
from peers.findscu import findscu  # noqa: E402
from peers.process import HOST, program  # noqa: E402

COLUMNS = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "StudyInstanceUID",
    "StudyDescription",
)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    most: int = 100_000  # responses that are counted, printed or put into a table
    files: int = 20_000  # responses that go into files of their own
    queries: int = 300
    rows: int = 2_000  # queries of one batch
    loop: int = 100  # of which a shell loop does so many
    huge: int = 1_000_000
    small: int = 10_000
    pairs: int = 5
    slow_pairs: int = 3
    start_pairs: int = 21


FULL = Scale()
QUICK = Scale(
    most=2_000,
    files=200,
    queries=10,
    rows=20,
    loop=5,
    huge=20_000,
    small=2_000,
    pairs=1,
    slow_pairs=1,
    start_pairs=1,
)


@dataclass(frozen=True)
class Row:
    """A line of the table: `aim` is the ratio that is aimed at."""

    what: str
    against: str
    ours: str
    theirs: str
    ratio: str
    aim: str


@dataclass(frozen=True)
class Archive:
    """A real peer."""

    name: str
    title: str
    port: int


class Bench:
    """All comparisons, on one canned SCP and one of each real peer."""

    def __init__(
        self, scale: Scale, folder: Path, memory: Path, canned: int, say: Callable[[str], object]
    ) -> None:
        self.scale = scale
        self.folder = folder
        self.memory = memory
        self.canned = canned
        self.say = say
        self.cfind = Path(sysconfig.get_path("scripts")) / "cfind"
        self.rows: list[Row] = []

    def all(self) -> list[Row]:
        """Run everything."""
        self.counting()
        self.printing()
        self.csv()
        self.rsp_files()
        self.over_tls()
        self.many_queries()
        self.batches()
        self.starting()
        self.memory_use()
        return self.rows

    # --- programs ---------------------------------------------------------------------------------

    def _job(self, name: str, document: dict[str, object]) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps({"version": 1, "name": name, **document}), "utf-8")
        return path

    def _canned_job(self, name: str, count: int, sinks: Sequence[dict[str, object]], **more: object) -> Path:
        keys = dict.fromkeys(COLUMNS)
        return self._job(
            name,
            {
                "peers": {"canned": {"host": HOST, "port": self.canned, "ae_title": f"N{count}", **more}},
                "queries": {"studies": {"model": "study-root", "level": "STUDY", "keys": keys}},
                "sinks": list(sinks),
            },
        )

    def _findscu_arguments(self, count: int, *options: str, port: int | None = None) -> list[str]:
        keys = [word for key in ("QueryRetrieveLevel=STUDY", *COLUMNS) for word in ("-k", key)]
        return ["-S", *options, "-aec", f"N{count}", *keys, HOST, str(port or self.canned)]

    def _run_job(self, job: Path, **more: object) -> Program:
        return Program([self.cfind, "run", job, "--quiet"], self.folder, **more)  # type: ignore[arg-type]

    def _add(
        self,
        what: str,
        against: str,
        result: Comparison,
        aim: str,
        count: int | None = None,
        their_count: int | None = None,
    ) -> None:
        """Add a line; where both do different amounts of work the ratio is that of one operation."""

        def speed(seconds: float, count: int | None) -> str:
            if count is None:
                return f"{seconds * 1000:,.0f} ms"
            return f"{seconds:.2f} s ({count / seconds:,.0f}/s)"

        theirs, ratio = their_count or count, result.ratio
        if count is not None and theirs is not None:
            ratio *= count / theirs
        row = Row(what, against, speed(result.ours, count), speed(result.theirs, theirs), f"{ratio:.2f}", aim)
        self.rows.append(row)
        self.say(f"{what}: {row.ours}; {against}: {row.theirs}; ratio {row.ratio} (aim {aim})")

    # --- responses --------------------------------------------------------------------------------

    def counting(self) -> None:
        count = self.scale.most
        ours = self._run_job(self._canned_job("count", count, []))
        result = compare(ours, self._hidden(count), self.scale.pairs)
        self._add(f"count {count:,} responses", "findscu, responses hidden", result, "≥ 4", count)

    def _hidden(self, count: int) -> Program:
        return Program([findscu(), *self._findscu_arguments(count, "-q", "-sr")], self.folder)

    def printing(self) -> None:
        count = self.scale.most
        theirs_file, ours_file = self.folder / "theirs.txt", self.folder / "ours.txt"
        theirs = Program(
            [findscu(), *self._findscu_arguments(count)],
            self.folder,
            theirs_file,
            after=lambda: _expect_text(theirs_file, b"PatientName", count),
        )
        job = self._canned_job("dump", count, [{"type": "stdout", "format": "dump"}])
        ours = self._run_job(
            job, stdout=ours_file, after=lambda: _expect_text(ours_file, b"PatientName", count)
        )
        self._add(
            f"text dump of {count:,} responses to a file",
            "findscu, printing to a file",
            compare(ours, theirs, self.scale.pairs),
            "≥ 3",
            count,
        )
        drop_in = Program(
            [self.cfind, "findscu", *self._findscu_arguments(count)],
            self.folder,
            ours_file,
            after=lambda: _expect_text(ours_file, b"(0010,0010)", count),
        )
        self._add(
            f"`cfind findscu`, {count:,} responses to a file",
            "findscu, printing to a file",
            compare(drop_in, theirs, self.scale.pairs),
            "≥ 3",
            count,
        )

    def csv(self) -> None:
        count = self.scale.most
        table = self.folder / "studies.csv"
        job = self._canned_job("csv", count, [{"type": "csv", "path": table.name}])
        ours = self._run_job(
            job,
            before=lambda: table.unlink(missing_ok=True),
            after=lambda: _expect_text(table, b"DOE^", count),
        )
        result = compare(ours, self._hidden(count), self.scale.pairs)
        self._add(f"CSV of 8 columns, {count:,} rows", "findscu, responses hidden", result, "≥ 1.2", count)

    def rsp_files(self) -> None:
        for place, parent, aim in (("memory file system", self.memory, "≥ 2"), ("disk", self.folder, "≥ 1")):
            on_disk = parent == self.folder
            count = self.scale.files if on_disk else self.scale.most
            folder = parent / "rsp-files"
            folder.mkdir()
            ours_folder, theirs_folder = folder / "ours", folder / "theirs"
            job = self._canned_job("rsp", count, [{"type": "rsp", "directory": str(ours_folder)}])
            ours = self._run_job(
                job,
                before=_SetAside(ours_folder, make=False, keep=on_disk),
                after=_ExpectFiles(ours_folder, count),
            )
            theirs = Program(
                [findscu(), *self._findscu_arguments(count, "-X", "-od", str(theirs_folder))],
                folder,
                before=_SetAside(theirs_folder, make=True, keep=on_disk),
                after=_ExpectFiles(theirs_folder, count),
            )
            result = compare(ours, theirs, self.scale.pairs)
            self._add(f"{count:,} rsp files, {place}", "findscu -X", result, aim, count)
            shutil.rmtree(folder)

    def over_tls(self) -> None:
        count = self.scale.most
        folder = self.folder / "certificates"
        folder.mkdir()
        made = certificates.Certificates(folder)
        ca = str(made["ca.pem"])
        with canned_scp(count, made["server.pem"], made["server.key"]) as port:
            ours = self._run_job(self._canned_job("tls", count, [], port=port, tls={"ca_files": [ca]}))
            arguments = self._findscu_arguments(count, "-q", "-sr", "+tla", "+cf", ca, port=port)
            theirs = Program([findscu(), *arguments], self.folder)
            result = compare(ours, theirs, self.scale.pairs)
        self._add(
            f"count {count:,} responses over TLS 1.3", "findscu, responses hidden", result, "≥ 2", count
        )

    # --- queries ----------------------------------------------------------------------------------

    def many_queries(self) -> None:
        with self._archives() as (archives, query_files):
            for archive in archives:
                self._many_queries_to(archive.name, archive.title, archive.port, query_files)

    def batches(self) -> None:
        with self._archives() as (archives, _):
            for archive in archives:
                self._batch_to(archive)

    @contextmanager
    def _archives(self) -> Iterator[tuple[list[Archive], list[Path]]]:
        """Run the real peers, with a study for each of the queries, and give query files for these."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        data, query_files = folder / "data", folder / "queries"
        subprocess.run(
            [sys.executable, HERE / "make_data.py", data, query_files, str(self.scale.queries)],
            check=True,
            timeout=300,
        )
        files = sorted(data.iterdir())
        for name in ("dcmqrscp", "orthanc"):
            (folder / name).mkdir()
        with (
            dcmqrscp.dcmqrscp(folder / "dcmqrscp", files) as first,
            orthanc.orthanc(folder / "orthanc", files) as second,
        ):
            archives = [
                Archive("dcmqrscp", dcmqrscp.AE_TITLE, first.port),
                Archive("Orthanc", orthanc.AE_TITLE, second.port),
            ]
            yield archives, sorted(query_files.iterdir())

    def _batch_to(self, archive: Archive) -> None:
        """One job over a table of accession numbers, against a loop over the first of them."""
        count, few = self.scale.rows, self.scale.loop
        numbers = [f"B{number % self.scale.queries + 1:05}" for number in range(count)]
        table, found = self.folder / f"rows-{archive.name}.csv", self.folder / "found.csv"
        table.write_text("\n".join(("Number", *numbers, "")), "ascii")
        peer = {"host": HOST, "port": archive.port, "ae_title": archive.title}
        keys: dict[str, object] = {"StudyInstanceUID": None, "PatientName": None, "StudyDate": None}
        query = {
            "model": "study-root",
            "level": "STUDY",
            "foreach": {"csv": table.name},
            "keys": {"AccessionNumber": "${row.Number}", **keys},
        }
        job = self._job(
            f"batch-{archive.name}",
            {
                "peers": {"main": peer},
                "queries": {"studies": query},
                "sinks": [{"type": "csv", "path": found.name}],
            },
        )
        ours = self._run_job(
            job,
            before=lambda: found.unlink(missing_ok=True),
            after=lambda: _expect_text(found, b"BULK^PATIENT", count),
        )
        words = " ".join(f"-k {key}" for key in ("QueryRetrieveLevel=STUDY", *keys))
        script, theirs_file = self.folder / f"batch-{archive.name}.sh", self.folder / "theirs.txt"
        script.write_text(
            f"sed -n 2,{few + 1}p {table} | while read number; do\n"
            f"  {findscu()} -S -aec {archive.title} {words}"
            f' -k "AccessionNumber=$number" {HOST} {archive.port}\n'
            "done\n",
            "ascii",
        )
        loop = Program(
            ["sh", script],
            self.folder,
            theirs_file,
            after=lambda: _expect_text(theirs_file, b"BULK^PATIENT", few),
        )
        result = compare(ours, loop, self.scale.slow_pairs, warm_up=False)
        what = f"batch of {count:,} accession numbers, {archive.name}"
        self._add(what, f"a shell loop of findscu, {few} of them", result, "≥ 10", count, few)

    def _many_queries_to(self, name: str, title: str, port: int, query_files: Sequence[Path]) -> None:
        count = len(query_files)
        keys: dict[str, object] = {"StudyInstanceUID": None, "PatientName": None, "StudyDate": None}
        queries = {
            f"q{number:04}": {
                "model": "study-root",
                "level": "STUDY",
                "keys": {"AccessionNumber": f"B{number:05}", **keys},
            }
            for number in range(1, count + 1)
        }
        ours_file, theirs_file = self.folder / "ours.txt", self.folder / "theirs.txt"
        job = self._job(
            f"queries-{name}",
            {
                "peers": {"main": {"host": HOST, "port": port, "ae_title": title}},
                "queries": queries,
                "sinks": [{"type": "stdout", "format": "dump"}],
            },
        )
        ours = self._run_job(
            job, stdout=ours_file, after=lambda: _expect_text(ours_file, b"BULK^PATIENT", count)
        )
        one_key = " ".join(f"-k {key}" for key in ("QueryRetrieveLevel=STUDY", *keys))
        script = self.folder / f"loop-{name}.sh"
        script.write_text(
            f"for number in $(seq -f %05g 1 {count}); do\n"
            f'  {findscu()} -S -aec {title} {one_key} -k "AccessionNumber=B$number" {HOST} {port}\n'
            "done\n",
            "ascii",
        )
        loop = Program(
            ["sh", script],
            self.folder,
            theirs_file,
            after=lambda: _expect_text(theirs_file, b"BULK^PATIENT", count),
        )
        one = Program(
            [findscu(), "-S", "-aec", title, HOST, str(port), *query_files],
            self.folder,
            theirs_file,
            after=lambda: _expect_text(theirs_file, b"BULK^PATIENT", count),
        )
        pairs = self.scale.slow_pairs
        what = f"{count} queries by accession number, {name}"
        self._add(what, "a shell loop of findscu", compare(ours, loop, pairs, warm_up=False), "≥ 20", count)
        result = compare(ours, one, pairs)
        self._add(what, f"one findscu with {count} query files", result, "≥ 10", count)

    # --- the process ------------------------------------------------------------------------------

    def starting(self) -> None:
        python = Path(sys.executable)
        pynetdicom = Program([python, "-c", "import pynetdicom"], self.folder)
        nothing = Program([python, "-c", "pass"], self.folder)
        one = self._run_job(self._canned_job("one", 1, [{"type": "stdout", "format": "dump"}]))
        drop_in = Program([self.cfind, "findscu", *self._findscu_arguments(1)], self.folder)
        helping = Program([self.cfind, "--help"], self.folder)
        for what, ours, theirs, aim in (
            ("`cfind run`, one match", one, pynetdicom, "≤ 1"),
            ("`cfind findscu`, one match", drop_in, pynetdicom, "≤ 1"),
            ("`cfind --help`", helping, nothing, "≤ 5"),
        ):
            result = compare(ours, theirs, self.scale.start_pairs)
            against = "python -c " + ("'import pynetdicom'" if theirs is pynetdicom else "pass")
            # Here the aim is a limit on how much longer ours takes.
            inverse = Comparison(result.ours, result.theirs, 1 / result.ratio)
            self._add(what, f"`{against}`", inverse, aim)

    def memory_use(self) -> None:
        peaks = []
        for count in (self.scale.huge, self.scale.small):
            table = self.folder / f"memory-{count}.csv"
            job = self._canned_job("memory", count, [{"type": "csv", "path": table.name}])
            peaks.append(peak_memory(self._run_job(job)))
            _expect_text(table, b"DOE^", count)
            table.unlink()
        huge, small = (peak / 1e6 for peak in peaks)
        row = Row(
            f"peak memory, CSV of {self.scale.huge:,} responses",
            f"of {self.scale.small:,} responses",
            f"{huge:.1f} MB",
            f"{small:.1f} MB",
            f"{huge - small + 0.0:+.1f} MB",
            "≤ +10 MB",
        )
        self.rows.append(row)
        self.say(f"{row.what}: {row.ours}; {row.against}: {row.theirs}; {row.ratio} (aim {row.aim})")


class UnexpectedOutputError(Exception):
    """A program did not do the work that it was measured at."""


def _expect_text(file: Path, word: bytes, least: int) -> None:
    with file.open("rb") as lines:
        found = sum(word in line for line in lines)
    if found < least:
        raise UnexpectedOutputError(f"{file.name} has {found} lines with {word!r}, not {least}")


class _SetAside:
    """Put the last run's folder out of the way, and let the disk come to rest.

    On a disk nothing is removed before the end: ext4 is slow to make files where many were removed a
    moment ago. And what one run left unwritten is not to be written during the other's.
    """

    def __init__(self, folder: Path, *, make: bool, keep: bool) -> None:
        self._folder = folder
        self._make = make
        self._keep = keep
        self._runs = 0

    def __call__(self) -> None:
        if not self._keep:
            shutil.rmtree(self._folder, ignore_errors=True)
        elif self._folder.exists():
            self._runs += 1
            self._folder.rename(self._folder.with_name(f"{self._folder.name}-{self._runs}"))
        if self._make:
            self._folder.mkdir()
        os.sync()


@dataclass(frozen=True)
class _ExpectFiles:
    folder: Path
    count: int

    def __call__(self) -> None:
        found = sum(1 for _ in self.folder.glob("rsp*.dcm"))
        if found != self.count:
            raise UnexpectedOutputError(f"there are {found} rsp files, not {self.count}")


@contextmanager
def canned_scp(most: int, *certificate_and_key: Path) -> Iterator[int]:
    """Run the canned SCP, over TLS where it has a certificate, and give its port."""
    command = [sys.executable, HERE / "canned_scp.py", str(most), "0", *certificate_and_key]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


# --- the table ------------------------------------------------------------------------------------------


def machine() -> str:
    """Describe the machine without its name."""
    cpu = "unknown processor"
    try:
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
        cpu = match[1] if match else cpu
    except OSError:
        cpu = platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = ".".join(platform.release().split(".")[:2])
    version = subprocess.run([findscu(), "--version"], check=True, capture_output=True, text=True, timeout=60)
    dcmtk = re.search(r"v(\d+\.\d+\.\d+)", version.stdout)
    version = subprocess.run(
        [program("Orthanc"), "--version"], check=True, capture_output=True, text=True, timeout=60
    )
    orthanc_version = re.search(r"(\d+\.\d+\.\d+)", version.stdout)
    return (
        f"{os.cpu_count()} × {cpu}, {memory:.0f} GiB of memory, {platform.system()} {kernel}, "
        f"Python {platform.python_version()}, DCMTK {dcmtk[1] if dcmtk else '?'}, "
        f"Orthanc {orthanc_version[1] if orthanc_version else '?'}"
    )


def document(rows: Sequence[Row], scale: Scale) -> str:
    """Return the page."""
    lines = [
        "# Benchmarks",
        "",
        "`python tests/benchmarks/run.py` writes this page. Each line compares whole processes, from start",
        f"to end, that ran in turns ({scale.pairs} pairs; {scale.slow_pairs} for many queries; "
        f"{scale.start_pairs} for short runs). Times are",
        "medians, and a ratio is the median of the pairs' ratios, so that what else the machine did hits",
        "both sides alike. A ratio says how many times as fast cfind is; where the aim is “≤” it says how",
        "many times as long cfind takes.",
        "",
        "Responses come from a canned SCP on loopback (`tests/benchmarks/canned_scp.py`): study level, 17",
        "attributes, about 400 bytes. Queries by accession number go to real peers that have",
        f"{scale.queries + 12} studies. Where both sides do different numbers of queries, the ratio is that",
        "of one query.",
        "",
        f"Machine: {machine()}.",
        "",
        "| what | cfind | compared with | which takes | ratio | aim |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {r.what} | {r.ours} | {r.against} | {r.theirs} | {r.ratio} | {r.aim} |" for r in rows]
    return "\n".join([*lines, ""])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    parser.add_argument(
        "--only", metavar="NAME", help="one part alone, such as batches; the page goes to stdout"
    )
    parser.add_argument(
        "--output", type=Path, help="where the page goes (docs/benchmarks.md; --quick: stdout)"
    )
    options = parser.parse_args(argv)
    scale = QUICK if options.quick else FULL
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    memory_parent = Path("/dev/shm") if Path("/dev/shm").is_dir() else build
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-", dir=build) as folder,
        tempfile.TemporaryDirectory(prefix="cfind-benchmark-", dir=memory_parent) as memory,
        canned_scp(scale.most) as port,
    ):
        bench = Bench(
            scale, Path(folder), Path(memory), port, lambda line: print(line, file=sys.stderr, flush=True)
        )
        if options.only is not None:
            getattr(bench, options.only)()
        page = document(bench.rows if options.only is not None else bench.all(), scale)
    output = options.output or (None if options.quick or options.only else ROOT / "docs" / "benchmarks.md")
    if output is None:
        sys.stdout.write(page)
    else:
        output.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
