"""A server between a gRPC client and an emulator that remembers the calls and can lose their answers."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that came by."""

    method: str
    """E.g. "Commit"."""
    request: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    method: str
    status: grpc.StatusCode | None
    has_effect: bool


class Relay(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Hands every call on as it is, unless it was told of trouble to make; each trouble strikes one call."""

    def __init__(self, upstream: grpc.Channel) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._troubles: list[_Trouble] = []
        self.calls: list[Call] = []
        self.answers: list[tuple[str, bytes]] = []
        """Method and message, of all that came back."""
        self.host = ""

    def lose_answer(self, method: str, status: grpc.StatusCode | None, *, times: int = 1) -> None:
        """Let the next calls of the method take effect and then fail; without a status the client waits in vain."""
        self._troubles += [_Trouble(method=method, status=status, has_effect=True)] * times

    def refuse(self, method: str, status: grpc.StatusCode, *, times: int = 1) -> None:
        """Let the next calls of the method fail without any effect."""
        self._troubles += [_Trouble(method=method, status=status, has_effect=False)] * times

    def seen(self, method: str) -> list[bytes]:
        """Return the requests of that method, in the order they came."""
        return [call.request for call in self.calls if call.method == method]

    def service(self, handler_call_details: Any) -> Any:
        return grpc.stream_stream_rpc_method_handler(
            lambda requests, context: self._relay(handler_call_details.method, requests, context)
        )

    def _relay(self, path: str, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        method = path.rpartition("/")[2]
        request = next(requests)  # the client streams nothing that we use
        trouble = self._noted(Call(method=method, request=request))
        if trouble is not None and not trouble.has_effect:
            context.abort(trouble.status, "refused on purpose")
        answers = self._handed_on(path, request, context)
        self.answers += [(method, answer) for answer in answers]
        if trouble is not None:
            _lose(trouble, context)
        yield from answers

    def _handed_on(self, path: str, request: bytes, context: Any) -> list[bytes]:
        own = ("grpc-", "user-agent", "te")
        metadata = [pair for pair in context.invocation_metadata() if not pair[0].startswith(own)]
        try:
            return list(self._upstream.stream_stream(path)(iter([request]), metadata=metadata, timeout=PATIENCE_S))
        except grpc.RpcError as error:
            known: Any = error
            context.abort(known.code(), known.details())
            raise

    def _noted(self, call: Call) -> _Trouble | None:
        with self._lock:
            self.calls.append(call)
            found = next((each for each in self._troubles if each.method == call.method), None)
            if found is not None:
                self._troubles.remove(found)
            return found


def _lose(trouble: _Trouble, context: Any) -> None:
    if trouble.status is None:
        has_gone = threading.Event()
        if context.add_callback(has_gone.set):
            has_gone.wait(PATIENCE_S)
    context.abort(trouble.status or grpc.StatusCode.DEADLINE_EXCEEDED, "the answer was lost on purpose")


@contextmanager
def grpc_relay(upstream_host: str) -> Iterator[Relay]:
    """Run a relay before the server at this host:port."""
    with grpc.insecure_channel(upstream_host) as channel, ThreadPoolExecutor(8) as pool:
        relay = Relay(channel)
        server = grpc.server(pool, handlers=[relay])
        relay.host = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield relay
        finally:
            server.stop(grace=None).wait()
