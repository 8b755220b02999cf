"""`hogflare health`, by which an image asks its own server."""

import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from harness.packaging import run
from harness.server import Hogflare


def health(binary: Path, folder: Path, address: str, expected: int) -> str:
    """What it says on standard error."""
    return run([str(binary), "health"], cwd=folder, expected=expected, APP_ADDR=address).stderr


def test_a_server_that_listens_everywhere_is_asked_here(binary: Path, tmp_path: Path, hogflare: Hogflare) -> None:
    everywhere = f"0.0.0.0:{hogflare.port}"
    assert health(binary, tmp_path, everywhere, expected=0) == ""
    hogflare.stop()
    assert f"127.0.0.1:{hogflare.port} does not answer" in health(binary, tmp_path, everywhere, expected=1)


def test_a_server_that_says_nothing_is_not_waited_for_long(binary: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert f"{address} has not answered within 3s" in health(binary, tmp_path, address, expected=1)


def test_an_error_is_no_health(binary: Path, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as ill:
        # It knows no method, so it answers 501.
        Thread(target=ill.handle_request, daemon=True).start()
        address = f"127.0.0.1:{ill.server_port}"
        assert f"{address} answers 501" in health(binary, tmp_path, address, expected=1)


def test_an_address_that_is_none_is_named(binary: Path, tmp_path: Path) -> None:
    assert "APP_ADDR=eighty: expected an address" in health(binary, tmp_path, "eighty", expected=64)
