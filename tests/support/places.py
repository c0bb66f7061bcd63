"""Where things lie in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"
BAD_SPECS = ROOT / "tests" / "bad_specs"
