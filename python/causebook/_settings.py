"""What `connect` is told, made into what a book needs."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from causebook._errors import SettingError
from causebook._held import secret

Delivery = Literal["durable", "receipt", "memory"]
Sync = Literal["process", "power"]
OnFull = Literal["block", "raise", "spill"]

SPOOL_BYTES = 1 << 30
SPOOL_BYTES_MIN = 1 << 20


@dataclass(frozen=True)
class Settings:
    """How a book behaves; see `causebook.connect`."""

    url: str | None
    home: Path | None
    ledger: str
    token: str | None = field(repr=False)
    source: str
    delivery: Delivery
    sync: Sync
    on_full: OnFull
    spool: Path | None
    spool_bytes: int
    spill: Path | None
    block_timeout: float
    receipt_timeout: float
    exit_timeout: float
    linger: float
    strict: bool
    allow_plain_http: bool
    context: Mapping[str, object]
    hash_key: bytes | None = field(repr=False)

    @property
    def destination(self) -> str:
        """Where records go, for people and for the name of the spool."""
        return f"{self.url or self.home}#{self.ledger}"

    def of_run(self) -> dict[str, object]:
        """What the native module is told for a run of this process."""
        run = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}"
        about = {
            "destination": self.destination,
            "source": self.source,
            "run": run,
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }
        return {
            "url": self.url,
            "home": self.home,
            "ledger": self.ledger,
            "token": self.token,
            "allow_plain_http": self.allow_plain_http,
            "source": self.source,
            "run": run,
            "spool": self.spool,
            "spill": self.spill,
            "about": json.dumps(about, indent=1),
            "bytes_max": self.spool_bytes,
            "power": self.sync == "power",
            "linger": 0.0 if self.delivery == "receipt" else self.linger,
        }


def settings(
    target: str | os.PathLike[str],
    *,
    ledger: str,
    token: str | None,
    source: str | None,
    delivery: Delivery,
    sync: Sync,
    on_full: OnFull,
    spool: str | os.PathLike[str] | None,
    spool_bytes: int,
    spill: str | os.PathLike[str] | None,
    block_timeout: float,
    receipt_timeout: float,
    exit_timeout: float,
    linger: float,
    strict: bool,
    allow_plain_http: bool,
    context: Mapping[str, object] | None,
    hash_key: bytes | str | None,
) -> Settings:
    """Checks what was given; raises `SettingError` naming what is wrong and what to do."""
    url, home = _target(target)
    one_of("delivery", delivery, get_args(Delivery))
    one_of("sync", sync, get_args(Sync))
    one_of("on_full", on_full, get_args(OnFull))
    if not ledger:
        raise SettingError("ledger: a ledger has a name, such as 'main'")
    if spool_bytes < SPOOL_BYTES_MIN:
        raise SettingError(f"spool_bytes: {spool_bytes} is less than {SPOOL_BYTES_MIN}, the least that a spool needs")
    seconds = {
        "block_timeout": block_timeout,
        "receipt_timeout": receipt_timeout,
        "exit_timeout": exit_timeout,
        "linger": linger,
    }
    for name, value in seconds.items():
        if not value >= 0:
            raise SettingError(f"{name}: {value} is no number of seconds")
    if delivery == "memory" and (spool is not None or sync == "power" or on_full == "spill"):
        raise SettingError(
            "delivery: 'memory' keeps nothing on disk; leave out spool, sync='power' and on_full='spill'"
        )
    if (on_full == "spill") != (spill is not None):
        raise SettingError("spill: on_full='spill' and spill=<a folder, on another disk if possible> go together")
    destination = f"{url or home}#{ledger}"
    return Settings(
        url=url,
        home=home,
        ledger=ledger,
        token=token if token is not None else os.environ.get("CAUSEBOOK_TOKEN"),
        source=source or _program(),
        delivery=delivery,
        sync=sync,
        on_full=on_full,
        spool=None if delivery == "memory" else _spool(spool, home, ledger, destination),
        spool_bytes=spool_bytes,
        spill=None if spill is None else Path(spill).absolute() / _key(destination),
        block_timeout=block_timeout,
        receipt_timeout=receipt_timeout,
        exit_timeout=exit_timeout,
        linger=linger,
        strict=strict,
        allow_plain_http=allow_plain_http,
        context=dict(context or {}),
        hash_key=secret("hash_key", hash_key),
    )


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuses a value that is not one of some words."""
    if value not in allowed:
        words = ", ".join(repr(word) for word in allowed)
        raise SettingError(f"{name}: {value!r} is none of {words}")


def _target(target: str | os.PathLike[str]) -> tuple[str | None, Path | None]:
    text = os.fspath(target)
    if not text:
        raise SettingError("target: give the address of a server (https://…) or a folder")
    if text.startswith(("http://", "https://")):
        return text, None
    if "://" in text:
        raise SettingError(f"target: {text!r} is neither an http:// or https:// address nor a folder")
    return None, Path(text).absolute()


def _spool(spool: str | os.PathLike[str] | None, home: Path | None, ledger: str, destination: str) -> Path:
    """A folder for each destination: what is adopted from it goes where it was meant to go."""
    given = spool if spool is not None else os.environ.get("CAUSEBOOK_SPOOL")
    if given is not None:
        return Path(given).absolute() / _key(destination)
    if home is not None:
        return home / "spool" / ledger
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(state) / "causebook" / "spool" / _key(destination)


def _key(destination: str) -> str:
    return hashlib.sha256(destination.encode()).hexdigest()[:16]


def _program() -> str:
    """The name of the program that runs, as people call it."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name:
        name = str(spec.name)
        return name.removesuffix(".__main__")
    script = sys.argv[0] if sys.argv else ""
    return Path(script).stem or "python"
