"""Command line of the embedded servers: `python -m welfare_portal.embedded run -- COMMAND`."""

import argparse
import sys
from pathlib import Path

from welfare_portal.embedded import dotenv, launcher
from welfare_portal.embedded.home import EmbeddedError
from welfare_portal.environment import BASE_DIR

VAR = BASE_DIR / "var"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m welfare_portal.embedded", description="Embedded PostgreSQL and Redis."
    )
    actions = parser.add_subparsers(dest="action", required=True)

    run = actions.add_parser(
        "run",
        help="run a command on servers, and stop them when it ends",
        description="Starts PostgreSQL and Redis, unless DATABASE_URL and REDIS_URL name others, and runs COMMAND. "
        "While another process has the directory's servers up, COMMAND joins them.",
    )
    run.add_argument("--directory", type=Path, help="where data and logs are kept (var; a new one when ephemeral)")
    run.add_argument("--ephemeral", action="store_true", help="servers that begin empty and leave nothing")
    run.add_argument("--fast", action="store_true", help="do not wait for the disk; only with --ephemeral")
    run.add_argument("--port", type=int, action="append", default=[], help="refuse to start when this port is taken")
    run.add_argument("--example", action="store_true", help="with the settings of .env.example and new secrets")
    run.add_argument("command", nargs="+", metavar="COMMAND")

    for action, text in {"stop": "end what `run` keeps up", "reset": "remove the databases and their logs"}.items():
        actions.add_parser(action, help=text).add_argument("--directory", type=Path, default=VAR)
    actions.add_parser("environment", help="make .env from .env.example, with secrets of its own")
    actions.add_parser("wait-for", help="wait until an address answers").add_argument("url")
    actions.add_parser("free-port", help="print a port that nobody listens on")
    return parser


def main() -> int:
    """Do what the command line says; the exit code."""
    parser = _parser()
    options = parser.parse_args()
    match options.action:
        case "run":
            if options.fast and not options.ephemeral:
                parser.error("--fast loses data with the power: only with --ephemeral")
            return launcher.run(
                options.command,
                directory=options.directory,
                ephemeral=options.ephemeral,
                fast=options.fast,
                ports=options.port,
                example=options.example,
            )
        case "stop":
            sys.stdout.write("stopped\n" if launcher.stop(options.directory) else "nothing was running\n")
        case "reset":
            launcher.reset(options.directory)
        case "environment":
            sys.stdout.write(".env: made\n" if dotenv.write(BASE_DIR / ".env") else ".env: kept\n")
        case "wait-for":
            return 0 if launcher.wait_for(options.url, seconds=120) else 1
        case "free-port":
            sys.stdout.write(f"{launcher.free_port()}\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (EmbeddedError, PermissionError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
