"""Places in the repository that tests of all parts look at."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "configs"
DPPP_CONFIGS = CONFIGS / "DPPP"
GENEPERSON_CONFIGS = CONFIGS / "GenePerson"
