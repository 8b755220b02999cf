"""A server under test that speaks https."""

import http.client
import socket
import ssl

from .certificates import CertificateAuthority
from .process import child_env, free_port
from .server import Hogflare
from .wire import Answer, Wire

# What is taken for somebody who is not on this machine: a proxy here is believed about its client.
ELSEWHERE = {"x-forwarded-for": "203.0.113.7"}


class SecureWire(Wire):
    """One connection by https to a loopback port, where a host of this name is expected."""

    def __init__(self, port: int, context: ssl.SSLContext, name: str = "localhost", timeout: float = 30) -> None:
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
        plain = socket.create_connection(("127.0.0.1", port), timeout)
        self.connection.sock = context.wrap_socket(plain, server_hostname=name)
        self.connection.auto_open = 0

    def certificate(self) -> dict:
        """What the server showed."""
        return self.connection.sock.getpeercert()


class SecureHogflare(Hogflare):
    """A server with a certificate; `plain_port` answers plain http."""

    def __init__(self, server: Hogflare, authority: CertificateAuthority, name: str = "localhost") -> None:
        super().__init__(server.binary, server.data_dir, server.log_path, server.env)
        self.authority, self.name = authority, name
        self.plain_port = free_port()
        self.env = {"HOGFLARE_HTTP_ADDR": f"127.0.0.1:{self.plain_port}"} | self.env

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"https://{self.name}:{self.port}"

    def is_ready(self) -> bool:
        """Says whether it is ready; with an authority's certificate https may come later."""
        try:
            with Wire(self.plain_port, timeout=5) as wire:
                return wire.request("GET", "/_readiness").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def connect(self, timeout: float = 30) -> SecureWire:
        """Opens a keep-alive connection by https."""
        return SecureWire(self.port, self.authority.believing(), self.name, timeout)

    def plainly(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Asks by plain http."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        with Wire(self.plain_port) as wire:
            return wire.request(method, path, body, given)

    def settings(self) -> dict[str, str]:
        """What commands beside it are given."""
        mine = {"APP_ADDR": f"127.0.0.1:{self.port}", "HOGFLARE_DATA_DIR": str(self.data_dir)}
        return child_env(mine | self.env)
