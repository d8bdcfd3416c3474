"""The upper layer protocol and DIMSE as a protocol core: bytes go in, events come out (PS3.7, PS3.8)."""
