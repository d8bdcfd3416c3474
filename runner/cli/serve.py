"""`cfind serve`: an archive folder as a C-FIND SCP, for trying jobs without a PACS."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.archive.serve import serve
from runner.cli.arguments import ArgumentParser, port
from runner.cli.interruption import SignalledStop
from runner.cli.messages import complain, flush_output, say
from runner.errors import ExitStatus, InterruptedRunError, InvalidJobError, UsageError
from runner.transport.stop_signal import StopSignal

if TYPE_CHECKING:
    from ssl import SSLContext


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("serve", "Serve a folder of DICOM files as a C-FIND SCP until interrupted.")
    made.add_argument("folder", type=Path, metavar="FOLDER", help="DICOM or DICOM JSON files")
    made.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    made.add_argument(
        "--port",
        type=port,
        default=0,
        metavar="N",
        help="the port to listen on (default: 0, the system chooses)",
    )
    made.add_argument("--ae-title", help="the called AE title that is accepted (default: any)")
    made.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="serve over TLS with this private key (PEM)"
    )
    made.add_argument(
        "--tls-cert", type=Path, metavar="FILE", help="the certificate that belongs to it (PEM)"
    )
    made.add_argument(
        "--tls-ca",
        type=Path,
        metavar="FILE",
        help="clients must show a certificate that one of these CAs has made (PEM)",
    )
    made.add_argument(
        "--tls-key-password-file",
        type=Path,
        metavar="FILE",
        help="its first line is the key's password (default: asked for where the key is encrypted)",
    )
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    if not options.folder.is_dir():
        raise InvalidJobError("there is no such folder", "name a folder of DICOM files", str(options.folder))
    stop = StopSignal()
    with SignalledStop(stop) as signalled:
        try:
            secured = _tls(options, stop)
        except InterruptedRunError:
            return signalled() or ExitStatus.INTERRUPTED
        serve(
            options.folder, options.host, options.port, options.ae_title, stop, _announce, complain, secured
        )
        return signalled() or ExitStatus.SUCCESS


def _tls(options: Namespace, stop: StopSignal) -> SSLContext | None:
    """Return the settings of TLS that the command line asks for."""
    key, certificate, ca = options.tls_key, options.tls_cert, options.tls_ca
    password = options.tls_key_password_file
    if key is None and certificate is None:
        if ca is not None or password is not None:
            raise UsageError("there is no TLS without --tls-key and --tls-cert", "name both files")
        return None
    if key is None or certificate is None:
        raise UsageError("--tls-key and --tls-cert belong together", "name both files")
    from runner.model import Secret, SecretSource, Tls
    from runner.transport.tls_context import make_server_context

    _warn_of_readers(key, password)
    secret = Secret() if password is None else Secret(SecretSource.FILE, str(password))
    ca_files = () if ca is None else (ca,)
    return make_server_context(
        Tls(key=key, certificate=certificate, password=secret, ca_files=ca_files), stop
    )


def _warn_of_readers(key: Path, password: Path | None) -> None:
    from runner.secret_file import advice, exposure, key_exposure

    found = [(key, key_exposure(key))]
    if password is not None:
        found.append((password, exposure(password)))
    for path, readers in found:
        if readers is not None:
            complain(f"warning: {path} holds a secret, and {readers} can read it; {advice(path)}")


def _announce(line: str) -> None:
    say(line + "\n")
    flush_output()
