"""The embedded archive: a folder of DICOM files, served as a C-FIND SCP.

Nothing here is imported before an archive is served: its modules may be heavy.
"""
