"""`python -m runner` is `cfind`."""

from runner.cli.entry import cfind

cfind()
