"""A root folder with the binary, the libraries that it needs, and nothing else."""

import os
import re
import shutil
import subprocess
from pathlib import Path


def make(root: Path, binary: Path) -> Path:
    """Makes it. Another one, of `debootstrap`, serves where `HOGFLARE_BARE_ROOT` names one."""
    if made := os.environ.get("HOGFLARE_BARE_ROOT"):
        root = Path(made)
        shutil.rmtree(root / "data", ignore_errors=True)
    (root / "data").mkdir(parents=True)
    shutil.copy(binary, root / "hogflare")
    needed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", needed)
    # What a Debian has without anything installed.
    assert {Path(library).name.split(".")[0] for library in libraries} <= {"libc", "libm", "libgcc_s", "ld-linux-x86-64", "ld-linux-aarch64"}, needed
    for library in libraries:
        place = root / library.lstrip("/")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
    return root


def command(root: Path, *words: str) -> list[str]:
    """Runs the binary with the folder as its root."""
    become = ["chroot", str(root)] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", f"--root={root}"]
    return [*become, "/hogflare", *words]
