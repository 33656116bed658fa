"""Why a port cannot be opened, as a sentence that names the setting to change: taken, not allowed, no address of this machine."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

_NOT_ALLOWED = (errno.EACCES, errno.EPERM)
_NO_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENODEV)


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody listens: `name` is who, the settings are those by which port and host are chosen."""

    name: str
    host: str
    port: int
    port_setting: str
    host_setting: str

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    def opened(self, *, shared: bool, backlog: int = 1) -> socket.socket:
        """A socket that listens there, beside others where they share the port; OSError."""
        host = self.host.strip("[]")
        opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
            opened.bind((host, self.port))
            # Two that are bound and not yet listening would both believe that the port is theirs.
            opened.listen(backlog)
        except BaseException:
            opened.close()
            raise
        return opened

    def probed(self, *, shared: bool) -> OSError | None:
        """What the system says to a socket there; None where it lets one listen."""
        try:
            self.opened(shared=shared).close()
        except OSError as error:
            return error
        return None

    def told(self, error: OSError | None) -> str:
        """The sentence. Without an error: that of a port that was taken a moment ago."""
        begin = f"{self.name} cannot listen on {self.address}"
        if error is None or error.errno == errno.EADDRINUSE:
            return f"{begin}: is another program using that port? Choose another by {self.port_setting}"
        if error.errno in _NOT_ALLOWED:
            return f"{begin}: this user may not open that port. Choose one above 1023 by {self.port_setting}"
        if isinstance(error, socket.gaierror):
            return f"{begin}: nobody knows the host {self.host}. Choose another by {self.host_setting}"
        if error.errno in _NO_ADDRESS:
            return f"{begin}: {self.host} is no address of this machine. Choose another by {self.host_setting}"
        return f"{begin}: {error.strerror or type(error).__name__}. See {self.host_setting} and {self.port_setting}"


def place_at(name: str, address: str, setting: str) -> Place:
    """The place of an address `host:port`, which one setting chooses."""
    host, _, port = address.rpartition(":")
    return Place(name, host, int(port), setting, setting)
