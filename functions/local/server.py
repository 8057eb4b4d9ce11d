"""`montage serve`: the HTTP API and all that jobs need, in one process on this machine.

uvicorn answers in the main thread, a thread of its own carries messages and runs the watchdog, and both share one
cloud. Another Montage on the same MONTAGE_HOME may take messages, too: each is handled by whoever takes it first, and
its job then runs on that one's workers.
"""

import argparse
import errno
import ipaddress
import json
import logging
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from types import FrameType
from typing import TypeVar
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from functions.local.connections import bounded
from functions.local.event_pump import EventPump
from functions.local.object_routes import object_routes
from functions.local.outcome import INTERRUPTED, OK
from functions.local.system_check import apt_line, missing_packages
from functions.v1.app import make_app
from functions.v1.context import Api
from functions.v1.gates import OWN_HOSTS
from shared.connect import LocalCloud, connect_keys, connect_local, connect_signers
from shared.errors import MontageError
from shared.models.fetch import ensure
from shared.models.manifest import stage_models
from shared.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

IDLE_S = 0.05
AFTER_TROUBLE_S = 1.0  # what a step met may last; a thousand traces a second would fill the log
GRACE_S = 2  # for requests that are being answered
PUMP_GRACE_S = 1.0  # a handler may be looking at a source; its message comes back to the next server
LONGEST_END_S = 12.0  # a route's thread cannot be stopped from outside; tasks have 5 s of this
WILDCARDS = ("0.0.0.0", "::")


def serve(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal ends it, and return the exit code: 130 after Ctrl-C, else 0.

    Raises MontageError `keys_required`, `port_taken`, `cannot_listen`, `pump_ended`, BadRequest `not_one_machine`.
    """
    settings = _settled(arguments, settings)
    _check_doors(arguments.host, settings)
    with closing(_listening(arguments.host, arguments.port)) as listener, ExitStack() as stack:
        port = listener.getsockname()[1]
        _say_how_to_be_reached(arguments.host, port, settings)
        settings = _reached_at(settings, arguments.host, port)
        cloud = stack.enter_context(connect_local(settings))
        server = _Server(_config(application(settings, cloud)))
        pump = PumpThread(
            EventPump(cloud, cloud.deliveries, watchdog_every_s=settings.watchdog_every_s),
            prepare=lambda: _fetch_models(settings),
            on_death=server.end,
        )
        ending = Ending(server, pump, cloud)
        with ending.on_signals():
            pump.start()
            _tell(_url(arguments.host, port), settings, arguments)
            server.run(sockets=[listener])
            pump.end()
        if pump.has_died:
            raise MontageError(
                "pump_ended",
                "What carries jobs along has ended unforeseen; montage.log in MONTAGE_HOME says more. "
                "Jobs go on when Montage serves again.",
            )
    return ending.code


def application(settings: Settings, cloud: LocalCloud) -> FastAPI:
    """Return what answers requests, on the cloud whose jobs this process runs."""
    signers = connect_signers(settings)
    api = Api(settings=settings, cloud=cloud, signers=signers, keys=connect_keys(settings))
    return make_app(api, objects=object_routes(settings, cloud, signers))


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=bounded(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # addresses of objects are signed, and not for the log
        proxy_headers=False,  # nobody's word is taken for who calls
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )


class PumpThread:
    """Takes a pump's steps in a thread of its own until it is told to end; no trouble stops it."""

    def __init__(self, pump: EventPump, *, prepare: Callable[[], None], on_death: Callable[[], None]) -> None:
        self._pump = pump
        self._prepare = prepare
        self._on_death = on_death
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-pump", daemon=True)
        self.has_died = False
        """Whether it ended without having been told to."""

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Take no further step, and return when the last one is done, or seems to take its time."""
        self.ask_to_end()
        self._thread.join(PUMP_GRACE_S)

    def ask_to_end(self) -> None:
        """Take no further step."""
        self._is_ending.set()

    def _run(self) -> None:
        try:
            self._surely(self._prepare)
            while not self._is_ending.is_set():
                was_busy = self._surely(self._pump.step)
                if not was_busy:
                    self._is_ending.wait(IDLE_S if was_busy is False else AFTER_TROUBLE_S)
        except BaseException:
            log.exception("the event pump ended")
        finally:
            if not self._is_ending.is_set():
                self.has_died = True
                self._on_death()

    def _surely(self, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except Exception:
            log.exception("a step of the event pump failed")
            return None


class Ending:
    """Ends the server when a signal asks for it, and knows the exit code that tells of it."""

    def __init__(self, server: "_Server", pump: PumpThread, cloud: LocalCloud) -> None:
        self._server, self._pump, self._cloud = server, pump, cloud
        self.code = OK

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Heed signals within the block, and none after it: tasks are being ended then, and nothing hurries that."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in numbers:
            signal.signal(number, self._ask)
        try:
            yield
        finally:
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._server.force_exit = self._server.should_exit  # the second signal waits for no request
        if not self._server.should_exit:
            self.code = INTERRUPTED if number == signal.SIGINT else OK
            strike = threading.Timer(LONGEST_END_S, self._strike)
            strike.daemon = True
            strike.start()
        self._pump.ask_to_end()
        self._server.end()

    def _strike(self) -> None:
        log.error("something does not end; leaving it behind")
        with suppress(Exception):
            self._cloud.close()
        os._exit(self.code)


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        """Take no new requests, and return from `run` when those that are here are answered, or the grace is over."""
        self.should_exit = True


def _settled(arguments: argparse.Namespace, settings: Settings) -> Settings:
    if settings.cloud != "local":
        raise MontageError("not_one_machine", "`montage serve` is for one machine; MONTAGE_CLOUD names another cloud.")
    said = {"workers": arguments.workers, "require_keys": arguments.require_keys or None}
    return settings.model_copy(update={name: value for name, value in said.items() if value is not None})


def _check_doors(host: str, settings: Settings) -> None:
    """Return where only this machine can call, or callers need a key and there is one. Raises `keys_required`."""
    if settings.needs_keys:
        with closing(connect_keys(settings)) as store:
            if any(key.revoked_at is None for key in store.list()):
                return
        if _is_loopback(host):
            print("No key exists yet; `montage keys create OWNER` makes one.", file=sys.stderr)
            return
    if not _is_loopback(host):
        raise MontageError(
            "keys_required",
            f"Others could call Montage on {host}: it listens there only with --require-keys (MONTAGE_REQUIRE_KEYS=1) "
            "and when a key exists (`montage keys create OWNER`).",
        )


def _is_loopback(host: str) -> bool:
    """Return whether a name or address leads nowhere but to this machine."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise MontageError("cannot_listen", f"{host!r} is no address of this machine: {error}.") from error
    return all(ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_loopback for address in found)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise MontageError("port_taken", f"Port {port} of {host} is taken; --port names another.") from error
        raise MontageError("cannot_listen", f"Cannot listen on port {port} of {host}: {error.strerror}.") from error
    # asyncio does this for sockets that it made itself alone. Without it an answer's second half waits for the caller
    # to acknowledge the first, which on a connection that stays takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(host: str, port: int) -> str:
    reached = "localhost" if host in ("127.0.0.1", *WILDCARDS) else f"[{host}]" if ":" in host else host
    return f"http://{reached}:{port}"


def _reached_at(settings: Settings, host: str, port: int) -> Settings:
    """Return the settings of a server that is called by this address: it answers to it, and signs addresses of it."""
    name = f"[{host}]" if ":" in host else host.lower()
    told = "" if "public_url" not in settings.model_fields_set else _name_in(settings.public_url)
    hosts = [settings.allowed_hosts, told, "" if host in WILDCARDS else name]
    # A page that was opened as localhost uploads to signed addresses of 127.0.0.1: to a browser that is another site.
    origins = [settings.allowed_origins, *(f"http://{each}:{port}" for each in OWN_HOSTS)]
    changed = {"allowed_hosts": ",".join(filter(None, hosts)), "allowed_origins": ",".join(filter(None, origins))}
    if "public_url" not in settings.model_fields_set:
        changed["public_url"] = _url(host, port)
    return settings.model_copy(update=changed)


def _say_how_to_be_reached(host: str, port: int, settings: Settings) -> None:
    """Say what is missing where others are listened to under no name that they could call."""
    if host in WILDCARDS and "public_url" not in settings.model_fields_set:
        print(
            f"Others need an address: MONTAGE_PUBLIC_URL=http://{socket.gethostname()}:{port}, say. Uploads and "
            "downloads go there, and Montage answers to no other name than that and localhost.",
            file=sys.stderr,
        )


def _name_in(url: str) -> str:
    """Return the host that an address names, in lower case, as Host headers have it."""
    name = urlsplit(url).hostname or ""
    return f"[{name}]" if ":" in name else name


def _tell(url: str, settings: Settings, arguments: argparse.Namespace) -> None:
    missing = missing_packages()
    if missing:
        print(
            f"System libraries are missing, without which movement cannot be looked for: {apt_line(missing)}",
            file=sys.stderr,
        )
    if arguments.json:
        print(json.dumps({"url": url, "requires_keys": settings.needs_keys}), flush=True)
    else:
        print(f"Open {url} in a browser; programs ask below {url}/v1 (Ctrl-C ends it).", flush=True)
    if arguments.open:
        webbrowser.open(url)


def _fetch_models(settings: Settings) -> None:
    """Have every model here before the first job needs it; requests are answered meanwhile.

    Where that fails jobs go on all the same: a task fetches what it needs itself, or says why it cannot, and jobs of
    given edit lists need no model.
    """
    for name in stage_models():
        try:
            ensure(name, cache_dir=settings.models)
        except MontageError as error:
            log.warning("%s", error.message)
            print(f"{error.message} Jobs that need it will try again.", file=sys.stderr, flush=True)
