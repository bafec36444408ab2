"""The libraries that recdemo is measured beside, each in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

PEERS = Path(__file__).resolve().parent
ENVIRONMENTS = PEERS / ".environments"
MODELS = ("fm", "deepfm", "wide_deep", "dcn", "afm", "din", "dien")


@dataclass(frozen=True)
class Library:
    """A library and what it needs besides the packages of this environment, torch among them."""

    title: str
    script: str
    packages: tuple[str, ...] = ()
    models: tuple[str, ...] = MODELS
    shares: str = ""  # the script of the library whose environment it runs in, if not its own


RECBOLE = (
    "recbole==1.2.1",
    "colorlog colorama texttable thop tensorboard tensorboard-data-server absl-py markdown werkzeug protobuf",
    "pyyaml tabulate psutil pytz numpy==1.26.4 pandas==2.3.3 scipy==1.14.1 scikit-learn==1.5.2",
)
LIBRARIES = (
    Library("recdemo", "ours"),
    Library("DeepCTR-Torch", "deepctr", ("deepctr-torch==0.3.0",)),
    # It has no FM by itself.
    Library("torch-rechub", "rechub", ("torch-rechub==0.9.0",), models=MODELS[1:]),
    # Its DIEN draws the negative histories itself and cannot read histories made elsewhere.
    Library("RecBole", "recbole", RECBOLE, models=MODELS[:-1]),
    Library("modern-fm", "modern_fm", ("modern-fm==1.1.2",), models=("fm",)),
)


def environment(library: Library, base: Path) -> str:
    """The Python of an environment that holds a library, and sees this one's torch."""
    if not library.packages:
        return sys.executable
    place = base / (library.shares or library.script)
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        venv.create(place, with_pip=True, clear=True)
        (here,) = {p for p in sys.path if p.endswith("site-packages")}
        (site,) = place.glob("lib/python*/site-packages")
        (site / "shared.pth").write_text(here)
        packages = [name for line in library.packages for name in line.split()]
        command = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *packages]
        subprocess.run(command, check=True)
        (place / "ready").touch()
    return str(python)
