"""cfind: DICOM C-FIND queries that are written down, reviewed, repeated and trusted."""

__version__ = "0.1.0"
