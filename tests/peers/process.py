"""Start a real server on a loopback port that the system chooses, and end it with all its children."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
PACKAGES = {
    "dcmqrscp": "dcmtk",
    "dcmqridx": "dcmtk",
    "wlmscpfs": "dcmtk",
    "findscu": "dcmtk",
    "Orthanc": "orthanc",
}


class PeerError(Exception):
    """A real peer is missing or did not start. The test that needs it fails; it is never skipped."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens (the DICOM port first), and its process."""

    ports: tuple[int, ...]
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return self.ports[0]


def program(name: str) -> str:
    """Find an installed program, in the system's folders too: Orthanc lies in one that users lack."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin"]))
    # A Python environment may bring a findscu of its own (pynetdicom's): the reference is DCMTK's.
    if name in PACKAGES and path is not None and _is_script(path):
        path = shutil.which(name, path="/usr/bin:/usr/local/bin:/usr/sbin")
    if path is None:
        package = PACKAGES.get(name, name)
        raise PeerError(f"{name} is not installed; install the package {package} (apt-get install {package})")
    return path


def _is_script(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(2) == b"#!"


def free_ports(count: int) -> tuple[int, ...]:
    """Ports that the system gives; all are held until the last is known, so that they differ."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    try:
        return tuple(sock.getsockname()[1] for sock in sockets)
    finally:
        for sock in sockets:
            sock.close()


def accepts(port: int) -> bool:
    """Whether something listens on the port."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as sock:
            # Nobody listening, a port of the ephemeral range can be connected to itself.
            return bool(sock.getsockname() != sock.getpeername())
    except OSError:
        return False


@contextmanager
def serve(
    command: Callable[[Sequence[int]], Sequence[str]], folder: Path, *, ports: int = 1, timeout: float = 60
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        command: makes the command line for the ports that it is given.
        folder: its current folder; the log is written there.
        ports: how many ports it listens on.
        timeout: seconds until it must accept connections on all of them.
    """
    log = folder / "server.log"
    for attempt in range(3):  # another process may take a port before the server does
        chosen = free_ports(ports)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(chosen),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            if _ready(process, chosen, timeout):
                yield Server(chosen, process, log)
                return
            exited = process.poll() is not None
        finally:
            _end(process)
        if attempt == 2 or not exited:
            raise PeerError(f"{process.args!r} did not listen; its log ends: {_tail(log)}")


def _ready(process: subprocess.Popen[bytes], ports: Sequence[int], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    waiting = list(ports)
    while time.monotonic() < deadline:
        waiting = [port for port in waiting if not accepts(port)]
        if process.poll() is not None:
            return False
        if not waiting:
            return True
        time.sleep(0.02)  # there is no event to wait for: the server only tells by accepting
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group: dcmqrscp and wlmscpfs fork a child for each association."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        process.wait()
        return
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass  # killed below
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-2000:]
