"""How cfind names itself, in associations (PS3.7 D.3.3.2) and in the files it writes (PS3.10 7.1)."""

from __future__ import annotations

#: Derived from a UUID (PS3.5 B.2); another one for each incompatible change of what is sent.
IMPLEMENTATION_CLASS_UID = "2.25.231538429371259458708375093729777324430"
#: At most 16 characters.
IMPLEMENTATION_VERSION_NAME = "CFIND_0.1"
