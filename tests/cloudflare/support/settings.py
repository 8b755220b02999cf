"""wrangler.jsonc and docs/configuration.md, read for comparison."""

import json
import re
from typing import Any

from .toolchain import REPO

_STRING_OR_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*')
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")


def wrangler_text() -> str:
    """Returns the file as it is."""
    return (REPO / "wrangler.jsonc").read_text()


def wrangler_config() -> dict[str, Any]:
    """Parses the file: JSON with comments and trailing commas."""
    without_comments = _STRING_OR_COMMENT.sub(lambda found: found[1] or "", wrangler_text())
    return json.loads(_TRAILING_COMMA.sub(r"\1", without_comments))


def documented_settings() -> list[str]:
    """Returns the names of all settings of the service."""
    text = (REPO / "docs" / "configuration.md").read_text()
    return re.findall(r"^\| `([A-Z_]+)` \|", text, flags=re.MULTILINE)
