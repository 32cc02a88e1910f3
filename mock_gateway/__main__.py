"""`python -m mock_gateway [--port 8010] [--data var/gateway]`: serve on loopback until SIGTERM or SIGINT."""

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
from io import TextIOWrapper
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette

from mock_gateway.app import create_app
from mock_gateway.settings import DEFAULT_DATA, DEFAULT_PORT, SettingsError, read_settings

HOST = os.environ.get("MOCK_GATEWAY_HOST", "127.0.0.1")  # another only inside a container
GRACE_SECONDS = 3.0


def main() -> int:
    """Run the gateway; returns the exit code: 2 for settings that cannot be, 3 when another gateway is in the way."""
    parser = argparse.ArgumentParser(prog="python -m mock_gateway", description=__doc__)
    parser.add_argument("--port", type=int, help=f"default {DEFAULT_PORT}, or MOCK_GATEWAY_PORT")
    parser.add_argument(
        "--data", type=Path, help=f"folder of the durable store, default {DEFAULT_DATA}, or MOCK_GATEWAY_DATA"
    )
    options = parser.parse_args()
    try:
        settings = read_settings(os.environ, port=options.port, data=options.data)
    except SettingsError as error:
        return _complain(str(error), 2)
    logging.basicConfig(level=logging.WARNING, format="mock gateway: %(message)s")
    try:
        lock = _take(settings.data)
    except BlockingIOError:
        return _complain(f"another gateway works on {settings.data}", 3)
    with lock:
        try:
            _probe(settings.port)
        except OSError as error:
            return _complain(f"port {settings.port}: {error.strerror}", 3)
        return asyncio.run(_serve(create_app(settings), settings.port))


def _complain(problem: str, code: int) -> int:
    sys.stderr.write(f"mock gateway: {problem}\n")
    return code


def _take(folder: Path) -> TextIOWrapper:
    """Own the data folder as long as the process lives; the clock and the faults of two gateways would contradict."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def _probe(port: int) -> None:
    """Fail when somebody listens there already: the server itself would share the port with them and say nothing."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))


async def _serve(app: Starlette, port: int) -> int:
    # Served inside this process and not in a child of it: the one process is what gets killed, nothing can be left.
    server = Server(
        app,
        address=HOST,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        backlog=1024,
        websockets=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # Connections that are held on purpose end now; what still drips after the grace is cut. Nothing that was
        # answered can be lost by that, since answers come after the disk.
        app.state.gateway.stopping.set()
        server.stop()  # type: ignore[no-untyped-call]
        loop.call_later(GRACE_SECONDS, os._exit, 0)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    sys.stdout.write(f"mock gateway: http://{HOST}:{port}\n")
    sys.stdout.flush()
    await server.serve()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The store is closed by now. The server's native threads must not meet a dying interpreter: they would abort with
    # a core dump.
    os._exit(code)
