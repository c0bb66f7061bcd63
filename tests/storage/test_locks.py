"""Locks that end with their process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

from graphnn.storage.locks import OwnerLock, is_held


def test_a_lock_goes_with_its_process(tmp_path):
    path = tmp_path / "lock"
    lock = OwnerLock(path)
    assert lock.acquire()
    assert not OwnerLock(path).acquire()
    assert is_held(path)
    assert lock.owner == f"process {os.getpid()} on {socket.gethostname()}"
    lock.release()
    assert not is_held(path)
    assert not path.exists()
    code = (
        "import os, pathlib, sys; from graphnn.storage.locks import OwnerLock\n"
        "lock = OwnerLock(pathlib.Path(sys.argv[1])); assert lock.acquire(); os.abort()\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert killed.returncode == -signal.SIGABRT
    assert path.exists()
    assert not is_held(path)
