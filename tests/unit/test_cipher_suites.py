"""Names of cipher suites, against those that openssl itself gives."""

from __future__ import annotations

import subprocess

import pytest

from peers.process import program
from runner.cipher_suites import is_weak, openssl_name


def test_all_that_openssl_knows() -> None:
    run = subprocess.run(
        [program("openssl"), "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = [(line.split()[2], line.split()[4]) for line in run.stdout.splitlines()]
    usable = [pair for pair in names if "PSK" not in pair[0] and "SRP" not in pair[0]]
    assert len(usable) > 60
    for iana, openssl in usable:
        assert openssl_name(iana) == openssl
        assert openssl_name(openssl) == openssl


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SSL_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
        ("TLS_RSA_WITH_RC4_128_MD5", "RC4-MD5"),
        ("TLS_ECDH_RSA_WITH_AES_256_CBC_SHA", "ECDH-RSA-AES256-SHA"),
    ],
)
def test_those_that_openssl_has_lost(name: str, expected: str) -> None:
    assert openssl_name(name) == expected


@pytest.mark.parametrize(
    "name", ["", "ALL", "HIGH", "AES128-SHA:ALL", "@SECLEVEL=0", "!NULL", "AES128-SHA\n", "x"]
)
def test_what_is_no_name(name: str) -> None:
    assert openssl_name(name) is None


@pytest.mark.parametrize(
    "name", ["NULL-SHA", "ADH-AES128-SHA", "AECDH-AES256-SHA", "DES-CBC3-SHA", "RC4-MD5"]
)
def test_weak(name: str) -> None:
    assert is_weak(name)


@pytest.mark.parametrize("name", ["AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"])
def test_not_weak(name: str) -> None:
    assert not is_weak(name)
