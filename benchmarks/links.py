"""Links of the pages and of the source to other sites, and which of them are dead.

``python benchmarks/links.py [FILE...]`` reads all Markdown and Python files of the repository, asks
each site once, and prints every link that is not answered, with the places where it stands; a code
of 400 or more counts as dead, but for those with which sites refuse programs (403, 429, 999). It
needs a network, so it is not a test. The exit code is 1 if a link is dead.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"https?://[\w-]+\.[^\s<>\"'`\\{}]+")
LOCAL = re.compile(
    r"https?://(localhost|127\.|\[::1\]|[^/]*\.(test|example|invalid)\b|[^/]*example\.)"
)
REFUSED = (403, 429, 999)
SECONDS = 20


def links(paths: Iterable[Path]) -> dict[str, list[str]]:
    """Every link to another site, without its fragment, and ``file:line`` of its places."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for link in map(_whole, LINK.findall(line)):
                if not LOCAL.match(link):
                    found[link.partition("#")[0]].append(f"{path}:{number}")
    return dict(found)


def answer(link: str) -> str:
    """Why a link is dead; empty where it is not."""
    request = Request(link, headers={"User-Agent": "Mozilla/5.0 (links of documentation)"})
    try:
        with urlopen(request, timeout=SECONDS):
            return ""
    except HTTPError as error:
        return "" if error.code in REFUSED else str(error.code)
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def _whole(link: str) -> str:
    """A link without what follows it: a full stop, or a bracket that it did not open."""
    link = link.rstrip(".,;:*")
    while link.endswith(")") and link.count(")") > link.count("("):
        link = link[:-1].rstrip(".,;:*")
    return link


def _repository() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*.md", "*.py", "*.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [Path(name) for name in listed if not name.startswith("tests/")]


def main(names: list[str]) -> int:
    """Ask for every link, and print those that are dead."""
    found = links(map(Path, names) if names else _repository())
    with ThreadPoolExecutor(8) as pool:
        reasons = dict(zip(found, pool.map(answer, found), strict=True))
    dead = {link: reason for link, reason in reasons.items() if reason}
    for link, reason in dead.items():
        print(f"{link}: {reason}")
        print(*(f"    {place}" for place in found[link]), sep="\n")
    print(f"{len(found)} links, {len(dead)} dead")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
