"""The most memory that any process of a run had for itself, looked at a few times a second."""

import threading
from collections.abc import Callable, Iterable
from types import TracebackType

import psutil

EVERY_SECONDS = 0.5
MEGABYTE = 1024 * 1024


class Peak:
    """Watches processes while it is entered; `megabytes` is the largest of them at its largest.

    Counted is what a process alone has (USS): PostgreSQL's processes share their buffers, which are a setting and no growth.
    """

    def __init__(self, processes: Callable[[], Iterable[int]]) -> None:
        self.megabytes = 0.0
        self.whose = ""
        self._processes = processes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            for pid in self._processes():
                try:
                    process = psutil.Process(pid)
                    used = process.memory_full_info().uss / MEGABYTE
                    if used > self.megabytes:
                        self.megabytes, self.whose = used, " ".join(process.cmdline())[:80]
                except psutil.Error:
                    continue
            if self._over.wait(EVERY_SECONDS):
                return
