"""The systems that are compared, in the order in which the tables show them. A module a system; what one is: `base`."""

from __future__ import annotations

from .base import System
from .causebook import Causebook
from .langfuse import Langfuse
from .mlflow import MlflowOtlp, MlflowServer
from .nothing import Nothing
from .opik import Opik
from .textfile import TextFile

SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        Nothing(),
        TextFile("logging", "`logging` to a file, flush a line", sync=False),
        TextFile("logging-fsync", "`logging` to a file, fsync a line", sync=True),
        Causebook("causebook", "Causebook, durable"),
        Causebook("causebook-power", 'Causebook, durable, `sync="power"`', sync="power"),
        Causebook("causebook-receipt", "Causebook, receipt", delivery="receipt"),
        Causebook("causebook-memory", "Causebook, memory", delivery="memory"),
        Causebook("causebook-sink", "Causebook, durable, sink in place of its server", server=False),
        Langfuse(),
        MlflowOtlp(),
        MlflowServer(),
        Opik(),
    )
}
