"""The configuration file, and what it means to the library."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Union

from .errors import InvalidInput

KNOWN = {
    "storage_type", "bucket_name", "access_key", "secret_key", "endpoint_url", "region", "prefix", "path", "hdfs_url",
    "blockchain_endpoint", "ca_file", "api_key", "api_key_file", "run", "save_every_steps", "save_rng", "on_sigterm", "sigterm_deadline",
    "spool_directory", "spool_max_bytes", "settings",
}
STORAGE = ("gateway", "s3", "file", "hdfs")
ON_SIGTERM = ("save_and_exit", "save", "ignore")


@dataclass(frozen=True)
class Config:
    """What a configuration says, checked."""

    run: str
    settings: Mapping[str, str] = field(repr=False)
    save_rng: bool
    on_sigterm: str
    sigterm_deadline: float

    @staticmethod
    def read(source: Union[str, "os.PathLike[str]", Mapping[str, Any]]) -> "Config":
        """Reads a JSON file, or takes a mapping as it is."""
        if isinstance(source, Mapping):
            return parse(dict(source), "the configuration")
        try:
            text = Path(source).read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidInput(f"{source} cannot be read: {error}") from error
        try:
            said = json.loads(text)
        except ValueError as error:
            raise InvalidInput(f"{source} is no JSON: {error}") from error
        if not isinstance(said, dict):
            raise InvalidInput(f"{source} holds no JSON object.")
        return parse(said, str(source))


def parse(said: dict[str, Any], source: str) -> Config:
    for key in said:
        if key not in KNOWN:
            raise InvalidInput(f"{source}: '{key}' is no setting; there are {', '.join(sorted(KNOWN))}.")
    run = said.get("run") or script_name()
    settings = {
        "Ciuic:Client:Mode": "Http",
        "Ciuic:Client:Endpoint": text(said, "blockchain_endpoint", "http://127.0.0.1:5000", source),
        "Ciuic:Client:StateDirectory": str(state_directory()),
        "Ciuic:Client:CaFile": text(said, "ca_file", "", source),
        "Ciuic:Client:ApiKey": text(said, "api_key", "", source),
        "Ciuic:Client:ApiKeyFile": text(said, "api_key_file", "", source),
        "Ciuic:Save:OnTerminate": "Ignore",  # Python's signals are Python's
        "Ciuic:Save:MaxWait": "00:00:05",
        "Ciuic:Save:EverySteps": str(int(said.get("save_every_steps", 100))),
        "Ciuic:Save:SpoolDirectory": text(said, "spool_directory", str(state_directory().parent / "spool"), source),
        "Ciuic:Save:MaxSpoolBytes": str(int(said.get("spool_max_bytes", 16 << 30))),
        **storage(said, source),
        **{str(name): str(value) for name, value in said.get("settings", {}).items()},
    }
    on_sigterm = text(said, "on_sigterm", ON_SIGTERM[0], source)
    if on_sigterm not in ON_SIGTERM:
        raise InvalidInput(f"{source}: on_sigterm is one of {', '.join(ON_SIGTERM)}.")
    return Config(
        run=run,
        settings=settings,
        save_rng=bool(said.get("save_rng", True)),
        on_sigterm=on_sigterm,
        sigterm_deadline=float(said.get("sigterm_deadline", 60.0)),
    )


def storage(said: dict[str, Any], source: str) -> dict[str, str]:
    kind = text(said, "storage_type", "gateway", source)
    if kind == "gateway":
        return {"Ciuic:Store:Uri": "gateway:"}
    if kind == "file":
        return {"Ciuic:Store:Uri": f"file:{os.path.abspath(required(said, 'path', kind, source))}"}
    if kind == "hdfs":
        return {"Ciuic:Store:Uri": required(said, "hdfs_url", kind, source)}
    if kind != "s3":
        raise InvalidInput(f"{source}: storage_type '{kind}' is none of {', '.join(STORAGE)}.")
    prefix = text(said, "prefix", "", source).strip("/")
    settings = {"Ciuic:Store:Uri": f"s3://{required(said, 'bucket_name', kind, source)}" + (f"/{prefix}" if prefix else "")}
    for name, setting in (
        ("endpoint_url", "Endpoint"), ("region", "Region"), ("access_key", "AccessKey"), ("secret_key", "SecretKey"),
    ):
        if said.get(name):
            settings[f"Ciuic:S3:{setting}"] = text(said, name, "", source)
    return settings


def text(said: dict[str, Any], name: str, otherwise: str, source: str) -> str:
    value = said.get(name, otherwise)
    if not isinstance(value, str):
        raise InvalidInput(f"{source}: {name} is a string.")
    return value


def required(said: dict[str, Any], name: str, kind: str, source: str) -> str:
    value = text(said, name, "", source)
    if not value:
        raise InvalidInput(f"{source}: storage_type '{kind}' needs {name}.")
    return value


def script_name() -> str:
    """A run's name where none is given: that of the program."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(sys.argv[0] or "default").stem).strip(".-_")[:100]
    return name or "default"


def state_directory() -> Path:
    """Remembers the newest tree head that was accepted here."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(home) / "ciuic" / "client"
