"""Places in the protocol of sending at which a fault can be made to strike, so that tests need not hope to hit them.

`failpoint("after_intent")` does nothing unless FAILPOINTS names a folder, and nothing else arms it; `check --deploy` refuses
that. Each file `NAME.ACTION` or `NAME.ACTION.ANYTHING` in the folder strikes once: the first process that reaches the place
takes the file away (into the folder `struck`, with its process id) and does what the file says. Whoever armed it therefore
knows what really struck, and takes back what has not.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

STRUCK = "struck"


def _run_out_of_memory() -> None:
    raise MemoryError


ACTIONS: dict[str, Callable[[], None]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),  # frozen, until somebody sends SIGCONT
    "memory": _run_out_of_memory,
}


def failpoint(name: str) -> None:
    """A named place at which an armed fault strikes; free when nothing is armed."""
    if settings.FAILPOINTS:
        _strike(name, Path(settings.FAILPOINTS))


def _strike(name: str, folder: Path) -> None:
    for token in sorted(folder.glob(f"{name}.*")):
        with suppress(FileNotFoundError):  # another process was faster
            token.rename(folder.joinpath(STRUCK, f"{token.name}.{os.getpid()}"))
            ACTIONS[token.name.split(".")[1]]()
            return
