"""The platform's tools: what arduino-cli and the IDE start to find emulated boards and to talk to them.

    python3 -IS board.py discovery               Arduino's pluggable discovery protocol, version 1
    python3 -IS board.py monitor                 its pluggable monitor protocol, version 1
    python3 -IS board.py upload PORT IMAGE       puts an ELF file on the board at a port

A board is the process `earshot emulate`, with a folder that holds its socket `control` and the link that is
its port. Standard library only, without site: arduino-cli gives a discovery little time to start.
"""

import json
import os
import select
import socket
import sys
import termios
import threading
import time
import tty

# As harness/boards/plugged/control.py
RUN = f"/run/user/{os.getuid()}"
FOLDER = os.environ.get("EARSHOT_EMULATED") or (
    RUN + "/earshot" if os.path.isdir(RUN) else f"/tmp/earshot-{os.getuid()}"
)
LOOK_S = 0.1
SETTLE_S = 0.1  # arduino-cli drops an "add" that comes sooner after START_SYNC
UPLOAD_S = 60.0
BAUD_RATES = ["300", "1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200", "230400"]


def ask(folder, patience_s=2.0, **request):
    """Send a request to the board of a folder; raise OSError or ValueError if it does not answer."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(patience_s)
        line.connect(os.path.join(folder, "control"))
        line.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(line.makefile("rb").readline())
    if not isinstance(answer, dict):
        raise ValueError("the board's answer is no object")
    return answer


def attached():
    """Return the ports of the plugged-in boards by address, as the discovery protocol describes them."""
    ports = {}
    try:
        folders = sorted(entry.path for entry in os.scandir(FOLDER) if entry.is_dir())
    except OSError:
        return ports
    for folder in folders:
        try:
            board = ask(folder, do="state")
        except (OSError, ValueError):
            continue
        if board.get("port"):
            ports[board["port"]] = {
                "address": board["port"],
                "label": os.path.basename(board["port"]),
                "protocol": "serial",
                "protocolLabel": "Serial Port (emulated)",
                "hardwareId": board["serial_number"],
                "properties": {
                    "vid": board["vid"],
                    "pid": board["pid"],
                    "serialNumber": board["serial_number"],
                },
            }
    return ports


def say(event, message="OK", **more):
    """Write one answer or event."""
    error = {"error": True} if message != "OK" else {}
    tell(event, **error, message=message, **more)


def tell(event, **more):
    """Write an event that has no message."""
    sys.stdout.write(json.dumps({"eventType": event, **more}) + "\n")
    sys.stdout.flush()


def words_of(line):
    """Return the verb in capitals, and the rest of a command."""
    verb, _, rest = line.strip().partition(" ")
    return verb.upper(), rest.strip()


def discover():
    """Serve the discovery protocol until QUIT or the end of the input."""
    synchronous, known, pending = False, {}, b""
    while True:
        if select.select([0], [], [], LOOK_S if synchronous else None)[0]:
            got = os.read(0, 4096)
            if not got:
                return
            pending += got
        while b"\n" in pending:
            line, _, pending = pending.partition(b"\n")
            verb, _ = words_of(line.decode(errors="replace"))
            if verb == "HELLO":
                say("hello", protocolVersion=1)
            elif verb == "START":
                say("start")
            elif verb == "LIST":
                tell("list", ports=list(attached().values()))
            elif verb == "START_SYNC":
                say("start_sync")
                time.sleep(SETTLE_S)
                synchronous, known = True, {}
            elif verb == "STOP":
                synchronous = False
                say("stop")
            elif verb == "QUIT":
                say("quit")
                return
            else:
                say("command_error", f"Command {verb} not supported")
        if synchronous:
            present = attached()
            for address in known.keys() - present.keys():
                tell("remove", port={"address": address, "protocol": "serial"})
            for address in present.keys() - known.keys():
                tell("add", port=present[address])
            known = present


class Monitored:
    """An open port, and the connection to who monitors it."""

    def __init__(self, client, name):
        host, _, number = client.rpartition(":")
        self._port = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            os.set_blocking(self._port, True)
            tty.setraw(self._port, termios.TCSANOW)  # drops nothing that has come already
            self._line = socket.create_connection((host, int(number)))
        except BaseException:
            os.close(self._port)
            raise
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._shuttle, daemon=True)
        self._thread.start()

    def close(self):
        """Close port and connection."""
        os.close(self._stopped)
        self._thread.join()
        os.close(self._stop)

    def _shuttle(self):
        reason = ""
        try:
            while not reason:
                ready = select.select([self._line, self._port, self._stop], [], [])[0]
                if self._stop in ready:
                    break
                if self._line in ready:
                    data = self._line.recv(4096)
                    reason = "" if data else "the monitor has closed the connection"
                    while data:
                        data = data[os.write(self._port, data) :]
                if self._port in ready:
                    data = os.read(self._port, 4096)
                    reason = reason if data else "the board is unplugged"
                    self._line.sendall(data)
        except OSError as problem:
            reason = f"the board is unplugged, or the connection broke: {problem.strerror}"
        os.close(self._port)
        self._line.close()
        if reason:
            say("port_closed", reason)


def monitor():
    """Serve the monitor protocol until QUIT or the end of the input."""
    baud_rate, monitored = "115200", None
    for command in iter(sys.stdin.readline, ""):
        verb, rest = words_of(command)
        if verb == "HELLO":
            say("hello", protocolVersion=1)
        elif verb == "DESCRIBE":
            parameter = {"label": "Baudrate", "type": "enum", "value": BAUD_RATES, "selected": baud_rate}
            description = {"protocol": "serial", "configuration_parameters": {"baudrate": parameter}}
            say("describe", port_description=description)
        elif verb == "CONFIGURE":
            name, _, value = rest.partition(" ")
            if name == "baudrate" and value in BAUD_RATES:
                baud_rate = value  # USB has its own
                say("configure")
            else:
                say("configure", f"invalid value for parameter {name}: {value}")
        elif verb == "OPEN":
            client, _, name = rest.partition(" ")
            if monitored:
                monitored.close()
                monitored = None
            try:
                monitored = Monitored(client, name)
                say("open")
            except (OSError, ValueError) as problem:
                say("open", f"cannot open {name}: {problem}")
        elif verb == "CLOSE":
            if monitored:
                monitored.close()
                monitored = None
                say("close")
            else:
                say("close", "port already closed")
        elif verb == "QUIT":
            say("quit")
            return
        else:
            say("command_error", f"Unknown command {verb}")


def upload(port, image):
    """Put an image on the board at a port, or end with one line."""
    try:
        answer = ask(os.path.dirname(port), UPLOAD_S, do="upload", image=os.path.abspath(image))
    except (OSError, ValueError):
        remedy = "Plug one in with `earshot emulate`, and look with `arduino-cli board list`."
        sys.exit(f"no emulated board is plugged in at {port or 'this port'}. {remedy}")
    if "error" in answer:
        sys.exit(answer["error"])
    print(f"uploaded {os.path.basename(image)}")


if __name__ == "__main__":
    {"discovery": discover, "monitor": monitor, "upload": upload}[sys.argv[1]](*sys.argv[2:])
