"""Sockets, TLS and time-outs below the protocol core: connections that can be stopped."""
