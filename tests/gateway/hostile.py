"""A loopback server that answers as badly as a test wants, and counts what really reached it."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Script = Callable[["Peer"], None]


class Peer:
    """One request as the server saw it, and the raw way back."""

    def __init__(self, connection: socket.socket, head: bytes, body: bytes, stopping: threading.Event) -> None:
        self.connection, self.head, self.body, self.stopping = connection, head, body, stopping

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, body: bytes, *, status: int = 200, headers: str = "content-type: application/json\r\n") -> None:
        self.send(f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body)

    def drip(self, data: bytes, *, every: float) -> None:
        for position in range(len(data)):
            self.send(data[position : position + 1])
            if self.stopping.wait(every):
                return

    def wait(self, seconds: float = 30) -> None:
        self.stopping.wait(seconds)


class HostileServer:
    """Serves `script` once a request; `requests` holds (head, body) of every complete request."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self.script, self.tls = script, tls
        self.requests: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self.bytes_received = 0
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "HostileServer":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "the server's thread did not end"

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with contextlib.suppress(OSError, ssl.SSLError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                stack.callback(connection.close)
            for head, body in self._read_requests(connection):
                self.requests.append((head, body))
                self.script(Peer(connection, head, body, self._stopping))

    def _read_requests(self, connection: socket.socket) -> Iterator[tuple[bytes, bytes]]:
        pending = b""
        while True:
            while b"\r\n\r\n" not in pending:
                pending += (data := self._receive(connection))
                if not data:
                    return
            head, _, pending = pending.partition(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            while len(pending) < length:
                pending += (data := self._receive(connection))
                if not data:
                    return
            yield head, pending[:length]
            pending = pending[length:]

    def _receive(self, connection: socket.socket) -> bytes:
        while not self._stopping.is_set():
            connection.settimeout(0.2)
            try:
                data = connection.recv(65536)
            except TimeoutError:
                continue
            finally:
                connection.settimeout(10)
            self.bytes_received += len(data)
            return data
        return b""
