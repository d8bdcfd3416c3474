"""Write the studies that the queries by accession number find, and findscu's query files."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pydicom import Dataset, dcmwrite

from peers.archive import write_archive


def main(data: Path, query_files: Path, count: int) -> None:
    """Write `count` studies with the accession numbers B00001 and so on, and a query file for each."""
    write_archive(data, bulk=count)
    query_files.mkdir()
    for number in range(1, count + 1):
        query = Dataset()
        query.StudyDate = ""
        query.AccessionNumber = f"B{number:05}"
        query.QueryRetrieveLevel = "STUDY"
        query.PatientName = ""
        query.StudyInstanceUID = ""
        dcmwrite(query_files / f"query{number:05}.dcm", query, implicit_vr=False, little_endian=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
