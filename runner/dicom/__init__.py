"""DICOM's data: tags, names, values, character sets, identifiers and the files that hold them."""
