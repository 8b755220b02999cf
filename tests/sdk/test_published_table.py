"""The published table of SDKs is about the versions that the tests run."""

from harness.compatibility_table import published
from harness.matrix import cases
from harness.node import TESTS


def test_the_published_table_is_about_these_versions_and_all_of_them_work() -> None:
    page = TESTS.parent / "docs" / "compatibility.md"
    assert published(page) == [(case.sdk, case.version, case.wire, "works") for case in cases()]
