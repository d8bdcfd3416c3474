"""docs/findscu.md: the page for people coming from findscu, its table made from the options."""

# ruff: noqa: E501 - rows of Markdown tables cannot be broken
from __future__ import annotations

from runner.findscu.options import OPTIONS

_HEAD = """\
# Coming from findscu

Put `cfind` before a command line of DCMTK's findscu, and it runs:

    cfind findscu -S -k 0008,0052=STUDY -k PatientName="DOE*" -k StudyDate pacs.example.org 104

It sends the same, prints the same and writes the same files as findscu 3.5.4; options of 3.6 and 3.7 are
taken too. With `--style 3.6` it prints and checks as findscu 3.6 does.

    cfind translate -- -S -k 0008,0052=STUDY -k PatientName="DOE*" pacs.example.org 104 > job.yaml
    cfind translate --script nightly.sh > nightly.yaml
    cfind plan --as findscu job.yaml

print the job file that a command line amounts to, one job for all findscu calls of a shell script, and the
way back. `translate` says on stderr what became of each word (`--json`: as data): `!` needs a person, `X`
cannot be carried over, and makes the exit status 3.

## Options and job keys

`-k` takes `gggg,eeee`, `(gggg,eeee)`, today's keywords and the names that 3.5.4 had (`PatientsName`).
Query files, command files (`@file`) and `DCMDICTPATH` work as they do there. The last column says which
findscu brought an option.

"""

_TAIL = """
## What differs, and why

| findscu | cfind findscu | why |
|---|---|---|
| exit status 0 whatever the peer answers | [our exit statuses](../README.md) | a script must see that a query failed |
| messages on stdout among the results | messages on stderr | results can be read by programs |
| the second query's rsp0001.dcm replaces the first one's | numbering goes on, also behind files that are there | nothing that a peer sent is lost |
| `-k` with a value out of range sends another number | usage error, exit 2 | 70000 in a US would be sent as 4464 |
| `-k 0008,0016==NAME` with an unknown name sends an empty value | usage error; known ones are sent as UIDs | an empty value matches everything |
| an AE title of more than 16 characters is cut | usage error | another AE title than yours would be sent |
| `-k name` only, `name=value` in the manual | both | the manual is the rule |
| of two `-k` of one attribute 3.5.4 sends the first | the last one counts | the manual says that keys override |
| `-x=` by the machine's byte order | little endian first | a command line means the same everywhere |
| 3.5.4 takes TLS options without TLS | so do we, with a warning; `--style 3.6` refuses them | the connection is not what it seems |
| `-to` does not bound the TLS handshake | it does; without it `-ta` does | a peer that says nothing would be waited for |
| 3.6 adds `+cs` to the profile's cipher suites | it replaces them, also by OpenSSL's names | the manual is the rule; "offer this" means this |
| `+cs` takes no suite of TLS 1.3 | it does; what a peer chooses beside those named is refused | TLS 1.3 is not offered unless named |
| `+cd` takes hashed folders only | plain ones too | an empty folder would go unnoticed |
| `+cf` missing or unreadable is a warning | exit 3, before anything is connected to | the query would fail for another reason |
| `-der` holds for certificates of a `+cd` folder | there PEM and DER are told apart | a folder may hold both |
| `-k 0040,0100` empties a query file's sequence (3.5.4) or keeps it (3.6) | empties it, but keeps items that keys made | the manual: a key replaces |
| 3.6 prints NUL characters of UIDs | they are left out | they are padding |
| 3.6's `-u` converts newer VRs too, such as OF | UN and UT alone | the manual names these two |
| `-lc`, `+dc` | taken, and of no effect on responses | responses are kept as they came |
"""


def page() -> str:
    """Return the page's text."""
    rows = ["| option | says | in a job file | since |", "|---|---|---|---|"]
    for option in OPTIONS:
        names = ", ".join(f"`{name}`" for name in reversed(option.names))
        values = "".join(f" *{value.name}*" for value in option.values)
        default = " (default)" if option.default else ""
        became = (
            f"`{option.becomes}`"
            if "." in option.becomes or option.becomes.startswith("sinks")
            else option.becomes
        )
        rows.append(f"| {names}{values} | {option.summary}{default} | {became} | {option.era.value} |")
    return _HEAD + "\n".join(rows) + "\n" + _TAIL
