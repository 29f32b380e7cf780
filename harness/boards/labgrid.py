"""A place of labgrid, which gives one user at a time a board that is plugged into an exporter's host.

labgrid's own command is called: its library needs another protobuf than TensorFlow 2.15 and another package
in pyserial's place, and lives in an environment of its own. LG_COORDINATOR names the coordinator.
"""

from __future__ import annotations

import ast
import getpass
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import BoardNotFound, EarshotError
from harness.link.deadline import Deadline
from harness.processes.command import Finished, run
from models import progress

_CLIENT = "labgrid-client"
_CALL_S = 120.0  # a call takes a second on an idle host
_POLL_S = 1.0
_FOREIGN = ("LG_ENV", "LG_STATE", "LG_INITIAL_STATE", "STATE")  # of a user's own labgrid session
_RESOURCE = re.compile(r"^Acquired resource .*:\n((?:  .*\n)+)", re.MULTILINE)
_HOLDER = re.compile(r"^  acquired: (.+)$", re.MULTILINE)
_REMEDY = "`labgrid-client places` lists the places of the coordinator that LG_COORDINATOR names."


@dataclass(frozen=True)
class PlacePort:
    """The serial port of a place.

    Attributes:
        url: for pyserial.
        host: of the exporter.
        device: path on that host; "" if the exporter does not tell.
    """

    url: str
    host: str
    device: str


class Place:
    """A place of labgrid.

    It is acquired under a user name of Earshot's own: what a person acquired by hand is left alone, and what
    a killed run left is known. The caller holds the place's lock of this host.

    Args:
        name: of the place.

    Attributes:
        environment: of commands that use the place, such as `labgrid-client power cycle`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        user = f"earshot-{os.environ.get('LG_USERNAME') or getpass.getuser()}"
        self._holder = f"{os.environ.get('LG_HOSTNAME') or socket.gethostname()}/{user}"
        own = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
        self.environment = {**own, "LG_USERNAME": user, "LG_PLACE": name}

    @contextmanager
    def acquired(self, wait_s: float) -> Iterator[None]:
        """Hold the place; release it first if a killed run of this host left it acquired.

        Args:
            wait_s: longest wait for another user, who is named to the display meanwhile.

        Raises:
            BoardNotFound: another user holds it, or labgrid cannot give it.
        """
        deadline = Deadline(wait_s)
        named = ""
        while (ended := self._call("acquire")).status:
            holder = self.holder()
            if holder == self._holder:
                progress.log(f"releasing the labgrid place {self.name}, which a killed run left acquired")
                if (ended := self._call("release")).status:
                    raise self._failed("cannot be released", ended)
            elif not holder:
                raise self._failed("is not available", ended)
            elif deadline.expired:
                raise BoardNotFound(
                    f"the labgrid place {self.name} is acquired by {holder}"
                    + (f", also after a wait of {wait_s:.0f} s" if wait_s else ""),
                    remedy=f"Wait for it (--wait SECONDS), or have it released: "
                    f"labgrid-client -p {self.name} release",
                )
            else:
                if holder != named:
                    progress.log(f"waiting up to {wait_s:.0f} s for the labgrid place {self.name}: {holder}")
                named = holder
                time.sleep(min(_POLL_S, deadline.remaining))
        try:
            yield
        finally:
            ended = self._call("release")
            if ended.status and "is not acquired" not in ended.stderr + ended.stdout:
                progress.warn(str(self._failed("was not released", ended)))

    def holder(self) -> str:
        """Return who has acquired the place, as host/user; "" if nobody has.

        Raises:
            BoardNotFound: there is no such place, or labgrid does not answer.
        """
        ended = self._call("show")
        if ended.status:
            raise self._failed("is not available", ended)
        return _holder_in(ended.stdout)

    def port(self, deadline: Deadline) -> PlacePort:
        """Return the serial port that the place has now: an exporter serves it anew after each restart.

        A coordinator that restarts forgets who has acquired a place: it is acquired again.

        Raises:
            BoardNotFound: it has none before the deadline, or several, or another user has the place now.
        """
        while True:
            ended = self._call("show")
            resources = [] if ended.status else self._resources(ended.stdout)
            ports = [port for port in map(self._port_of, resources) if port]
            if len(ports) == 1:
                return ports[0]
            if ended.status and deadline.expired:
                raise self._failed("is not available", ended)
            if ports or deadline.expired:
                raise BoardNotFound(
                    f"the labgrid place {self.name} has {len(ports) or 'no'} serial ports",
                    where=", ".join(port.url for port in ports),
                    remedy="Give each board a place with the one serial port that its exporter serves; "
                    f"`labgrid-client -p {self.name} show` lists what the place has.",
                )
            time.sleep(min(_POLL_S, deadline.remaining))

    def _port_of(self, resource: dict[str, Any]) -> PlacePort | None:
        """Return the port that a resource is; None for another resource, or a board that is off the bus."""
        params = resource["params"]
        extra = params.get("extra", {})
        if resource["cls"] != "NetworkSerialPort" or not resource["avail"] or not params["port"]:
            return None
        if extra.get("proxy_required"):
            raise BoardNotFound(
                f"the exporter of the labgrid place {self.name} is isolated: its ports need a tunnel",
                where=str(extra.get("proxy", "")),
                remedy="Start labgrid-exporter without --isolated, on a host that this one reaches.",
            )
        scheme = "socket" if params.get("protocol") == "raw" else "rfc2217"
        host = params["host"]
        address = f"[{host}]" if ":" in host else host
        return PlacePort(f"{scheme}://{address}:{params['port']}", host, extra.get("path") or "")

    def _resources(self, text: str) -> list[dict[str, Any]]:
        """Return the resources that `labgrid-client show` lists; acquire a place that nobody has."""
        holder = _holder_in(text)
        if not holder and not self._call("acquire").status:
            progress.log(f"acquired the labgrid place {self.name} again, which its coordinator had released")
            return []  # it shows them from now on
        if holder != self._holder:
            raise BoardNotFound(
                f"the labgrid place {self.name} was taken away: {holder or 'nobody'} has acquired it",
                remedy="Run again; what was measured is kept.",
            )
        try:
            return [ast.literal_eval(block.strip()) for block in _RESOURCE.findall(text)]
        except (ValueError, SyntaxError) as problem:
            raise BoardNotFound(
                f"{_CLIENT} shows the place {self.name} in another form than labgrid 26.0",
                where=str(problem),
                remedy="Install the labgrid that `make labgrid` installs.",
            ) from problem

    def _call(self, verb: str) -> Finished:
        beside = str(Path(sys.executable).with_name(_CLIENT))
        client = shutil.which(_CLIENT) or shutil.which(beside)
        if client is None:
            raise BoardNotFound(
                "labgrid is not installed",
                where=f"place {self.name}",
                remedy="Run `make labgrid`, or install it in an environment of its own: pipx install labgrid",
            )
        ended = run([client, "-p", self.name, verb], Deadline(_CALL_S), self.environment, Path("/"))
        if ended.cut_off:
            raise self._failed(f"cannot be reached: {_CLIENT} {ended.cut_off}", ended)
        return ended

    def _failed(self, what: str, ended: Finished) -> EarshotError:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-2:]
        return BoardNotFound(f"the labgrid place {self.name} {what}", where="; ".join(said), remedy=_REMEDY)


def _holder_in(text: str) -> str:
    found = _HOLDER.search(text)
    return "" if found is None or found[1] == "None" else found[1]
