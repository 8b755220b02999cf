"""What the site does with pages that are written for GitHub.

Links to files outside `docs` lead to the repository, and fail the build where there is no such file. Of several
headings of the first level all but the first go down by one, with what is below them, since a site's page has one.
"""

import logging
import posixpath
import re
from pathlib import Path

REPOSITORY = "https://github.com/sidequery/hogflare"
FENCE = re.compile(r"^\s*(```|~~~)")
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(?=[)\s])")
# A warning of a logger below MkDocs' fails a strict build.
log = logging.getLogger("mkdocs.hooks.docs")


def on_page_markdown(markdown: str, page, config, files) -> str:
    """Rewrites a page, but for its blocks of code."""
    docs = Path(config["docs_dir"])
    lines = markdown.split("\n")
    outside = [number for number, is_code in enumerate(inside_fences(lines)) if not is_code]
    titles = [number for number in outside if lines[number].startswith("# ")]
    for number in outside:
        if len(titles) > 1 and number > titles[0] and lines[number].startswith("#"):
            lines[number] = f"#{lines[number]}"
        lines[number] = LINK.sub(lambda link: outward(link, page.file.src_uri, docs), lines[number])
    return "\n".join(lines)


def inside_fences(lines: list[str]) -> list[bool]:
    """Says of each line whether it belongs to a block of code."""
    found, is_open = [], False
    for line in lines:
        is_fence = bool(FENCE.match(line))
        found.append(is_open or is_fence)
        is_open ^= is_fence
    return found


def outward(link: re.Match, page: str, docs: Path) -> str:
    """The same link, to the repository where it leads out of `docs`."""
    opening, target, anchor = link[1], link[2], link[3] or ""
    if re.match(r"[a-z]+:", target):
        return link[0]
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    if path.startswith("docs/"):
        return link[0]
    if path.startswith("..") or not (docs.parent / path).exists():
        log.warning("Doc file '%s' contains a link '%s', but there is no '%s' in the repository.", page, target, path)
    kind = "tree" if (docs.parent / path).is_dir() else "blob"
    return f"{opening}{REPOSITORY}/{kind}/main/{path}{anchor}"


def on_page_content(html: str, page, config, files) -> str:
    """Makes of tables what GitHub makes of them: no backslash before a `|` in code, no row of empty headings."""
    html = re.sub(r"<code>[^<]*</code>", lambda code: code[0].replace(r"\|", "|"), html)
    return re.sub(r"<thead>\s*<tr>\s*(<th[^>]*></th>\s*)+</tr>\s*</thead>", "", html)
