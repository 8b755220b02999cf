"""The types of the pages are made of a description that is the server's own."""

from collections.abc import Callable

from .conftest import WEB


def test_the_snapshot_is_what_the_server_says(openapi_of: Callable[[], str]) -> None:
    assert openapi_of() == (WEB / "openapi.json").read_text(), "run web/openapi.sh with this binary"
