"""`python -m mock_gateway [--port 8010] [--data var/gateway]`: serve on loopback until SIGTERM or SIGINT."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from mock_gateway.app import create_app
from mock_gateway.settings import DEFAULT_DATA, DEFAULT_PORT, SettingsError, read_settings


def main() -> int:
    """Run the gateway; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mock_gateway", description=__doc__)
    parser.add_argument("--port", type=int, help=f"default {DEFAULT_PORT}, or MOCK_GATEWAY_PORT")
    parser.add_argument(
        "--data", type=Path, help=f"folder of the durable store, default {DEFAULT_DATA}, or MOCK_GATEWAY_DATA"
    )
    options = parser.parse_args()
    try:
        settings = read_settings(os.environ, port=options.port, data=options.data)
    except SettingsError as error:
        sys.stderr.write(f"mock gateway: {error}\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="mock gateway: %(message)s")
    return asyncio.run(_serve(create_app(settings), settings.port))


async def _serve(app: object, port: int) -> int:
    # Served inside this process and not in a child of it: the one process is what gets killed, and nothing can be
    # left behind.
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        backlog=1024,
        websockets=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    sys.stdout.write(f"mock gateway: http://127.0.0.1:{port}\n")
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
