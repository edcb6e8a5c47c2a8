"""``python -m ciuic_snapshot_chain``: looks at a run's snapshots."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import Any

from . import __version__
from .chain import CiuicSnapshotChain
from .config import Config
from .errors import CiuicError, Conflict, Corrupt, Fenced, InvalidInput, NotFound, Unavailable

CODES = ((InvalidInput, 2), (NotFound, 10), (Conflict, 11), (Fenced, 11), (Unavailable, 13), (Corrupt, 20))


def main() -> int:
    parser = argparse.ArgumentParser(prog="ciuic_snapshot_chain", description="Looks at a run's snapshots.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--config", default="ciuic_config.json", help="the configuration file (default: %(default)s)")
    parser.add_argument("--run", help="the run (default: the configuration's); as every option of this list it stands before the command")
    parser.add_argument("--json", action="store_true", help="answers in JSON")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="lists committed snapshots, newest first")
    verify = commands.add_parser("verify", help="reads every byte of a snapshot and checks it")
    verify.add_argument("reference", nargs="?", default="latest", help="latest, step:N, '#N' (in quotes: to a shell # begins a comment), tag:NAME or digits of the digest")
    export = commands.add_parser("export", help="writes an item's tensors as a safetensors file, or the item for torch.load (FILE.pt)")
    export.add_argument("file")
    export.add_argument("reference", nargs="?", default="latest")
    export.add_argument("--item", default="model")
    sync = commands.add_parser("sync", help="commits saves that were kept on this machine while the gateway was away")
    sync.add_argument("--discard", action="store_true", help="removes them instead")
    said = parser.parse_args()
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with CiuicSnapshotChain(said.config, said.run or _run_of(said.config)) as chain:
            return COMMANDS[said.command](chain, said)
    except ModuleNotFoundError as error:
        print(f"ciuic_snapshot_chain: '{said.command}' needs {error.name}: pip install {error.name}", file=sys.stderr)
        return 2
    except CiuicError as error:
        print(f"ciuic_snapshot_chain: {error}", file=sys.stderr)
        return next((code for kind, code in CODES if isinstance(error, kind)), 1)


def _run_of(path: str) -> str:
    """The run that a configuration names: the default, which is the name of the program, would be this one's."""
    config = Config.read(path)
    if config.is_named:
        return config.run
    raise InvalidInput(f"which run? '{path}' names none: say --run NAME before the command; a script without one trains the run that its log names.")


def list_(chain: CiuicSnapshotChain, said: Any) -> int:
    snapshots = chain.list_snapshots()
    if said.json:
        print(json.dumps([dict(s) for s in snapshots]))
    for snapshot in [] if said.json else snapshots:
        metrics = "  ".join(f"{name}={value:.4g}" for name, value in snapshot.metrics.items())
        print(f"#{snapshot.sequence:<6} step {snapshot.step:<10} {snapshot.timestamp}  {snapshot.manifest[:12]}  {metrics}")
    return 0


def verify_(chain: CiuicSnapshotChain, said: Any) -> int:
    snapshot = chain.verify(said.reference)
    print(json.dumps({"sequence": snapshot.sequence, "manifest": snapshot.manifest}) if said.json else f"{snapshot!r} is whole")
    return 0


def export_(chain: CiuicSnapshotChain, said: Any) -> int:
    chain.export(said.reference, said.file, said.item)
    print(json.dumps({"file": said.file}) if said.json else f"wrote {said.file}")
    return 0


def sync_(chain: CiuicSnapshotChain, said: Any) -> int:
    saves = chain.sync(discard=said.discard)
    if said.json:
        print(json.dumps(saves))
    for save in [] if said.json else saves:
        what = f" as #{save['sequence']}" if save["sequence"] else ""
        print(f"step {save['step']}: {save['outcome']}{what}{': ' if save['reason'] else ''}{save['reason']}")
    if not saves and not said.json:
        print("Nothing was kept on this machine.")
    return 11 if any(save["outcome"] == "left" for save in saves) else 0


COMMANDS = {"list": list_, "verify": verify_, "export": export_, "sync": sync_}

if __name__ == "__main__":
    sys.exit(main())
