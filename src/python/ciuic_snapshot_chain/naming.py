"""A run's name where none is given: the program's, with a part that tells projects apart."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Optional

from .errors import InvalidInput

MOST = 100
_GOOD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_run(name: str) -> str:
    """The name, where runs may be called so."""
    if not isinstance(name, str) or not _GOOD.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name of a run: 1 to {MOST} letters, digits, '.', '_' or '-', beginning with a letter or digit."
        )
    return name


def default_run() -> str:
    """
    Such as ``train-3f2a91c07b5d``: two scripts of one name in different places are two runs. The same script in the same place has the same
    name at each start, whatever it is called by.
    """
    name, identity = _program()
    digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-_")[: MOST - 13]
    return f"{clean or 'run'}-{digest}"


def former_default() -> str:
    """What version 0.1 called it: any project's train.py was one run."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(sys.argv[0] or "default").stem).strip(".-_")[:MOST]
    return name or "default"


def program_place() -> str:
    """What the default name was made of, for people."""
    return _program()[1].split("\0")[0]


def _program() -> "tuple[str, str]":
    notebook = _notebook()
    if notebook is not None:
        return Path(notebook).stem, notebook
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    spec = getattr(main, "__spec__", None)
    if file:
        place = os.path.realpath(file)
        # python -m pkg.train: the module's name says more than __main__.py, or main.py, does
        module = getattr(spec, "name", None) if spec is not None else None
        name = module[: -len(".__main__")] if module and module.endswith(".__main__") else module or Path(place).stem
        return name, place
    if (sys.argv or [""])[0] == "-c":
        # Different texts in one folder are different programs.
        text = "\0".join(getattr(sys, "orig_argv", [])[1:])
        return "c", f"{os.getcwd()}\0{text}"
    return "python", os.getcwd()


def _notebook() -> Optional[str]:
    """The notebook's path, where its server says so; otherwise the folder in which the kernel runs."""
    if "ipykernel" not in sys.modules:
        return None
    main = sys.modules.get("__main__")
    said = os.environ.get("JPY_SESSION_NAME") or getattr(main, "__vsc_ipynb_file__", None)
    return os.path.realpath(said) if said else os.path.join(os.getcwd(), "notebook")
