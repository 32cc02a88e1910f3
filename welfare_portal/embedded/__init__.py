"""Starts and stops a PostgreSQL and a Redis of the portal's own, so that a bare machine needs no server.

The binaries come from two Python wheels; what starts, watches and ends them is ours, because the wheels' own holders
leave servers up when they are killed. What holds here:

* Servers listen on sockets in a directory that only this user can enter, never on TCP.
* Whatever ends the launcher, SIGKILL included, ends the servers and the command: a keeper sees it go (keeper.py).
* A start ends what a crash left, of the same data directory only: every server carries the directory's key on its
  command line.
* Started by root, PostgreSQL runs as `nobody`, and still works in a checkout that only root can enter (demote.py).

From code: `with Servers(directory, ephemeral=True) as servers: servers.environment()`. From a shell:
`python -m welfare_portal.embedded run -- COMMAND`.
"""

from welfare_portal.embedded.home import AlreadyRunning, EmbeddedError
from welfare_portal.embedded.servers import Servers, is_ephemeral

__all__ = ["AlreadyRunning", "EmbeddedError", "Servers", "is_ephemeral"]
