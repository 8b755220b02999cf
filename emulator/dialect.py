"""What the service's SQL says differently from DuckDB's."""

import re

# Text in which no name is looked for: strings, quoted names, comments.
_OPAQUE = r"""
    [eE]'(?:\\.|''|[^'\\])*' | '(?:''|[^'])*' | "(?:""|[^"])*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
  | --[^\n]* | /\*.*?\*/
"""
_SHOW = re.compile(
    r"""
    \s* SHOW \s+
    (?: (?P<tables>TABLES) (?: \s+ (?:IN|FROM) \s+ "?(?P<namespace>\w+)"? )? | DATABASES | SCHEMAS | NAMESPACES )
    \s* ;? \s*
    """,
    re.IGNORECASE | re.VERBOSE,
)
_EXPLAIN = re.compile(r"\s*EXPLAIN(?:\s+ANALYZE|\s*\([^)]*\))?\s", re.IGNORECASE)


def quote_namespace(query: str, namespace: str) -> str:
    """Quotes the namespace before a dot: `default.events` is a plain name in the service, a keyword in DuckDB."""
    name = rf"(?<![\w.]){re.escape(namespace)}(?=\s*\.)"
    pattern = re.compile(rf"{_OPAQUE} | (?P<name>{name})", re.IGNORECASE | re.DOTALL | re.VERBOSE)
    return pattern.sub(lambda found: f'"{found["name"]}"' if found["name"] else found[0], query)


def show(query: str, namespace: str, table: str) -> tuple[str, list[str]] | None:
    """Answers SHOW TABLES and SHOW DATABASES with a column's name and values; None: another statement."""
    found = _SHOW.fullmatch(query)
    if not found:
        return None
    if not found["tables"]:
        return "namespace", [namespace]
    return "table", [table] if found["namespace"] in (None, namespace) else []


def explained(query: str) -> str:
    """Returns the statement that an EXPLAIN is about; any other as it is."""
    return _EXPLAIN.sub("", query, count=1) if _EXPLAIN.match(query) else query
