"""Ansible's community.general.xenserver_guest_info: installed where it can be.

What ansible.lock names comes into the folder .ansible beside this: ansible-core and XenAPI as packages, and of the
package ansible, which has half a gigabyte of collections, the one collection that is needed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE / ".ansible"
MODULE = "community.general.xenserver_guest_info"


def installed() -> str:
    """Why Ansible cannot be used, or nothing once it can."""
    if (PLACE / "done").is_file():
        return ""
    pinned = [line for line in (HERE / "ansible.lock").read_text("utf-8").splitlines() if not line.startswith("#")]
    bundle = next(line for line in pinned if line.startswith("ansible=="))
    others = [line for line in pinned if line != bundle]
    wheels = PLACE / "wheels"
    for command in (
        [sys.executable, "-m", "venv", str(PLACE / "venv")],
        [str(PLACE / "venv/bin/pip"), "install", "-q", "--no-deps", *others],
        [str(PLACE / "venv/bin/pip"), "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(wheels), bundle],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        kept = ("ansible_collections/community/general/", "ansible_collections/__init__.py")
        wheel.extractall(PLACE / "collections", [name for name in wheel.namelist() if name.startswith(kept)])
    for leftover in wheels.iterdir():
        leftover.unlink()
    (PLACE / "done").touch()
    return ""


def guest(url: str, password: str, name: str) -> dict[str, object]:
    """What Ansible says of a VM.

    Raises:
        RuntimeError: it fails.
    """
    options = {"hostname": url, "username": "root", "password": password, "name": name, "validate_certs": False}
    done = subprocess.run(
        [str(PLACE / "venv/bin/ansible"), "localhost", "-m", MODULE, "-a", json.dumps(options)],
        env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(PLACE / "collections"), "ANSIBLE_STDOUT_CALLBACK": "minimal"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    found: dict[str, object] = json.loads(done.stdout.partition(" => ")[2])["instance"]
    return found
