"""A door before PostgreSQL that can be slammed at the worst moment: when COMMIT is on its way, or its answer is."""

import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

PORT = ".s.PGSQL.5432"


class CuttingProxy:
    """Passes bytes between a client and the server's socket until it is armed; then it cuts one connection, once.

    `arrives` decides which half of the question "was it committed?" comes true: the COMMIT reaches the server and its answer is
    lost, or it is lost itself.
    """

    def __init__(self, server: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="cut-", dir="/tmp"))
        self.cuts = 0
        self._server = server / PORT
        self._armed: bool | None = None
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.directory / PORT))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, *, arrives: bool) -> None:
        self._armed = arrives

    def close(self) -> None:
        for one in [self._listener, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        shutil.rmtree(self.directory)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                self._open += [client, server]
                threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
                threading.Thread(target=self._to_client, args=(server, client), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self._armed is not None and b"COMMIT" in data:
                    arrives, self._armed = self._armed, None
                    self.cuts += 1
                    client.shutdown(socket.SHUT_RDWR)  # whatever the server answers, nobody hears it
                    if arrives:
                        server.sendall(data)
                        return
                    break
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
