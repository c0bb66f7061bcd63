"""Pytest run by a test, as a user runs it: nothing of the outer run reaches it."""

import os
import subprocess
import sys

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
ENVIRONMENT |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NO_COLOR": "1"}


def run_pytest(*arguments: str, folder: os.PathLike[str] | None = None) -> tuple[int, str]:
    """The exit code, and what it prints."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    return done.returncode, done.stdout
