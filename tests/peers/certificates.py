"""Keys and certificates for tests, made by openssl when they are needed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from peers.process import program

_CONFIGURATION = """
[ca]
default_ca = root
[root]
{root}
[middle]
{middle}
[policy]
commonName = supplied
[authority]
basicConstraints = critical, CA:true
subjectKeyIdentifier = hash
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1
[elsewhere]
subjectAltName = DNS:elsewhere.example.org
[named]
subjectAltName = DNS:exact.example.org, DNS:*.wild.example.org, IP:192.0.2.1, IP:2001:db8::1, DNS:192.0.2.2
[unnamed]
basicConstraints = CA:false
[client]
extendedKeyUsage = clientAuth
"""
_AUTHORITY = """\
database = {name}.index
new_certs_dir = .
serial = {name}.serial
crlnumber = {name}.crlnumber
certificate = {name}.pem
private_key = {name}.key
default_md = sha256
policy = policy
default_crl_days = 30
default_days = 90
unique_subject = no
"""
PASSWORD = "sesame"


class Certificates:
    """A folder of files; `NAME.pem` is a certificate, `NAME.key` its key.

    ca; middle, an intermediate of it; server, ec, expired, early, soon (valid for ten days), elsewhere,
    revoked and under_middle for a server on loopback; self_signed; client, with its key encrypted in
    encrypted.key (PKCS#8) and traditional.key; other_ca; ca.crl, middle.crl, and old.crl, which has
    expired; chain.pem is under_middle with middle; named has several
    names, unnamed none but its common name; client_expired and client_revoked are of client.key.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        texts = {name: _AUTHORITY.format(name=name) for name in ("root", "middle")}
        self["openssl.cnf"].write_text(
            _CONFIGURATION.format(**texts).replace("root.pem", "ca.pem").replace("root.key", "ca.key")
        )
        for name in texts:
            self[f"{name}.index"].touch()
            self[f"{name}.serial"].write_text("1000")
            self[f"{name}.crlnumber"].write_text("01")
        for name in ("ca", "other_ca"):
            self._key(name)
            self._request_self(name, "authority")
        self._key("server")
        self._request_self("self_signed", "server", "server")
        self._sign("middle", "root", "authority", key=self._key("middle"))
        for name, extensions in (("server", "server"), ("elsewhere", "elsewhere"), ("revoked", "server")):
            self._sign(name, "root", extensions)
        self._sign(
            "expired", "root", "server", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"
        )
        self._sign("early", "root", "server", "-startdate", "20450101000000Z", "-enddate", "20460101000000Z")
        self._sign("soon", "root", "server", "-days", "10")
        self._sign("under_middle", "middle", "server")
        self._sign("client", "root", "client", key=self._key("client"))
        old = ("-startdate", "20200101000000Z", "-enddate", "20210101000000Z")
        self._sign("client_expired", "root", "client", *old, key="client.key")
        self._sign("client_revoked", "root", "client", key="client.key")
        for name in ("named", "unnamed"):
            self._sign(name, "root", name)
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.key")
        self._sign("ec", "root", "server", key="ec.key")
        for name in ("revoked", "client_revoked"):
            self.openssl("ca", "-config", "openssl.cnf", "-name", "root", "-revoke", f"{name}.pem")
        for name, authority in (("ca", "root"), ("middle", "middle")):
            arguments = ("-config", "openssl.cnf", "-name", authority, "-gencrl", "-out", f"{name}.crl")
            self.openssl("ca", *arguments)
        self.openssl(
            "ca", "-config", "openssl.cnf", "-name", "root", "-gencrl", "-out", "old.crl",
            "-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20210101000000Z",
        )  # fmt: skip
        self["chain.pem"].write_bytes(self["under_middle.pem"].read_bytes() + self["middle.pem"].read_bytes())
        secret = ("-passout", f"pass:{PASSWORD}", "-aes256")
        self.openssl("pkey", "-in", "client.key", "-out", "encrypted.key", *secret)
        self.openssl("rsa", "-in", "client.key", "-out", "traditional.key", "-traditional", *secret)

    def __getitem__(self, name: str) -> Path:
        return self.folder / name

    def openssl(self, *arguments: str) -> str:
        run = subprocess.run(
            [program("openssl"), *arguments, *(("-batch",) if arguments[0] == "ca" else ())],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def der(self, name: str, *more: str) -> Path:
        """Write a file of ours in DER and return its path."""
        kind = {"pem": "x509", "key": "pkey", "crl": "crl"}[name.rpartition(".")[2]]
        self.openssl(kind, "-in", name, "-outform", "DER", "-out", f"{name}.der", *more)
        return self[f"{name}.der"]

    def _key(self, name: str) -> str:
        self.openssl(
            "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", f"{name}.key"
        )
        return f"{name}.key"

    def _request_self(self, name: str, extensions: str, key: str = "") -> None:
        subject = ("-subj", f"/CN={name}", "-config", self._request_configuration(extensions))
        self.openssl(
            "req", "-x509", "-key", f"{key or name}.key", "-out", f"{name}.pem", "-days", "90", *subject
        )

    def _request_configuration(self, extensions: str) -> str:
        path = self[f"request-{extensions}.cnf"]
        text = self["openssl.cnf"].read_text()
        path.write_text(f"[req]\ndistinguished_name = name\nx509_extensions = {extensions}\n[name]\n{text}")
        return path.name

    def _sign(self, name: str, authority: str, extensions: str, *dates: str, key: str = "server.key") -> None:
        request = f"{name}.csr"
        self.openssl(
            "req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request,
            "-config", self._request_configuration(extensions),
        )  # fmt: skip
        self.openssl(
            "ca", "-config", "openssl.cnf", "-name", authority, "-extensions", extensions,
            "-in", request, "-out", f"{name}.pem", "-notext", *dates,
        )  # fmt: skip
