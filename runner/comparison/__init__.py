"""What two sets of results differ in: rsp files, DICOM JSON lines, and tables in CSV."""
