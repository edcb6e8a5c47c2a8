"""The configuration file, and what it means to the library."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Union

from .errors import InvalidInput
from .naming import check_run, default_run

KNOWN = {
    "storage_type", "bucket_name", "access_key", "secret_key", "endpoint_url", "region", "prefix", "path", "hdfs_url",
    "blockchain_endpoint", "ca_file", "api_key", "api_key_file", "run", "save_every_steps", "save_rng", "on_sigterm", "sigterm_deadline",
    "spool_directory", "spool_max_bytes", "connect_patience", "store_patience", "follow_loaders", "settings",
}
STORAGE = ("gateway", "s3", "file", "hdfs")
ON_SIGTERM = ("save_and_exit", "save", "ignore")


@dataclass(frozen=True)
class Config:
    """What a configuration says, checked."""

    run: str
    is_named: bool
    endpoint: str
    settings: Mapping[str, str] = field(repr=False)
    save_rng: bool
    on_sigterm: str
    sigterm_deadline: float
    follow_loaders: bool
    connect_patience: float

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
    named = text(said, "run", "", source)
    endpoint = text(said, "blockchain_endpoint", "http://127.0.0.1:5000", source)
    through_gateway = said.get("storage_type", "gateway") == "gateway"
    patience = number(said, "connect_patience", 20.0, source, least=1)
    settings = {
        "Ciuic:Client:Mode": "Http",
        "Ciuic:Client:Endpoint": endpoint,
        "Ciuic:Client:StateDirectory": str(state_directory()),
        "Ciuic:Client:CaFile": path(said, "ca_file", source),
        "Ciuic:Client:ApiKey": text(said, "api_key", "", source),
        "Ciuic:Client:ApiKeyFile": path(said, "api_key_file", source),
        "Ciuic:Client:ConnectPatience": duration(patience),
        # Bytes that come through the gateway come when it answers; there is no bucket beside it to wait for.
        "Ciuic:Client:StorePatience": duration(number(said, "store_patience", 40.0 if through_gateway else 300.0, source)),
        "Ciuic:Save:OnTerminate": "Ignore",  # Python's signals are Python's
        "Ciuic:Save:MaxWait": "00:00:05",
        "Ciuic:Save:EverySteps": str(whole(said, "save_every_steps", 100, source)),
        "Ciuic:Save:SpoolDirectory": path(said, "spool_directory", source) or str(state_directory().parent / "spool"),
        "Ciuic:Save:MaxSpoolBytes": str(whole(said, "spool_max_bytes", 16 << 30, source)),
        **storage(said, source),
        **more_settings(said, source),
    }
    on_sigterm = text(said, "on_sigterm", ON_SIGTERM[0], source)
    if on_sigterm not in ON_SIGTERM:
        raise InvalidInput(f"{source}: on_sigterm is one of {', '.join(ON_SIGTERM)}.")
    return Config(
        run=check_run(named) if named else default_run(),
        is_named=bool(named),
        endpoint=endpoint,
        settings=settings,
        save_rng=flag(said, "save_rng", True, source),
        on_sigterm=on_sigterm,
        sigterm_deadline=number(said, "sigterm_deadline", 60.0, source),
        follow_loaders=flag(said, "follow_loaders", True, source),
        connect_patience=patience,
    )


def storage(said: dict[str, Any], source: str) -> dict[str, str]:
    kind = text(said, "storage_type", "gateway", source)
    if kind == "gateway":
        return {"Ciuic:Store:Uri": "gateway:"}
    if kind == "file":
        return {"Ciuic:Store:Uri": f"file:{os.path.abspath(os.path.expanduser(required(said, 'path', kind, source)))}"}
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


def path(said: dict[str, Any], name: str, source: str) -> str:
    """``~`` means home, as in a shell."""
    return os.path.expanduser(text(said, name, "", source))


def whole(said: dict[str, Any], name: str, otherwise: int, source: str) -> int:
    value = said.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInput(f"{source}: {name} is a whole number from 0, not {value!r}.")
    return value


def number(said: dict[str, Any], name: str, otherwise: float, source: str, least: float = 0) -> float:
    value = said.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < least:
        raise InvalidInput(f"{source}: {name} is a number of seconds from {least:g}, not {value!r}.")
    return float(value)


def flag(said: dict[str, Any], name: str, otherwise: bool, source: str) -> bool:
    value = said.get(name, otherwise)
    if not isinstance(value, bool):
        raise InvalidInput(f"{source}: {name} is true or false, not {value!r}.")
    return value


def more_settings(said: dict[str, Any], source: str) -> dict[str, str]:
    settings = said.get("settings", {})
    if not isinstance(settings, Mapping):
        raise InvalidInput(f'{source}: settings is an object such as {{"Ciuic:Codec:Mode": "Raw"}}, not {settings!r}.')
    for name, value in settings.items():
        if isinstance(value, (Mapping, list)) or value is None:
            raise InvalidInput(f"{source}: the setting {name} is text or a number, not {value!r}.")
    return {str(name): str(value) for name, value in settings.items()}


def duration(seconds: float) -> str:
    """As the library reads times."""
    whole_seconds, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole_seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}.{hours:02}:{minutes:02}:{rest:02}.{milliseconds:03}"


def required(said: dict[str, Any], name: str, kind: str, source: str) -> str:
    value = text(said, name, "", source)
    if not value:
        raise InvalidInput(f"{source}: storage_type '{kind}' needs {name}.")
    return value


def state_directory() -> Path:
    """Remembers the newest tree head that was accepted here."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(home) / "ciuic" / "client"
