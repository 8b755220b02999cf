"""Servers with certificates of an authority that only the test believes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.acme import Acme
from harness.certificates import CertificateAuthority
from harness.https import SecureHogflare
from harness.server import Hogflare


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """Who gives certificates."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def acme(authority: CertificateAuthority) -> Iterator[Acme]:
    """The same one, asked by ACME."""
    server = Acme(authority)
    yield server
    server.close()


@pytest.fixture
def new_secure(new_hogflare: Callable[..., Hogflare], authority: CertificateAuthority, tmp_path: Path) -> Iterator[Callable[..., SecureHogflare]]:
    """Makes servers that are not started yet; environment variables as keyword arguments."""
    made: list[SecureHogflare] = []

    def make(name: str = "localhost", **env: str) -> SecureHogflare:
        made.append(SecureHogflare(new_hogflare(tmp_path / f"data-{len(made)}", **env), authority, name))
        return made[-1]

    yield make
    for server in made:
        if server.process:
            server.kill9()


@pytest.fixture
def secure(new_secure: Callable[..., SecureHogflare], authority: CertificateAuthority) -> SecureHogflare:
    """A server with a certificate in files."""
    return new_secure(**authority.issue("localhost", "127.0.0.1").settings).start()
