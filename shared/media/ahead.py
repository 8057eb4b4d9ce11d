"""Work done ahead of whoever wants it, on a thread of its own: libav lets other threads run while it works."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

LOOK_EVERY_S = 0.05  # how soon a worker that waits for room sees that nobody wants more
WAITED_S = 0.5  # so often a waiting consumer is told of it

Check = Callable[[], None]
"""To be called now and then in long work between two things; raises when nobody wants them any more."""


class _Unwanted(Exception):
    """Whoever wanted the things has gone."""


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


_END = object()


@contextmanager
def ahead(
    make: Callable[[Check], Iterable[T]],
    *,
    at_most: int,
    while_waiting: Callable[[], None] = lambda: None,
    unwanted: Event | None = None,
) -> Iterator[Iterator[T]]:
    """Yield an iterator over what `make` gives, made on another thread, up to `at_most` things before they are taken.

    What goes wrong there is raised where the next thing would have come. `while_waiting` is called by the taking thread
    about twice a second while there is nothing to take. When the block ends, so does the thread: what it uses may be
    closed only afterwards. Threads that are given one `unwanted` all begin to end when the first of them has to.
    """
    work = _Work[T](make, at_most, unwanted or Event())
    work.start()
    try:
        yield work.taken(while_waiting)
    finally:
        work.stop()


def in_turn(several: Iterable[Iterator[T]]) -> Iterator[T]:
    """Yield one thing of each iterator, then the next of each, until all have ended."""
    left = list(several)
    while left:
        for each in list(left):
            try:
                yield next(each)
            except StopIteration:
                left.remove(each)


class _Work(Generic[T]):
    def __init__(self, make: Callable[[Check], Iterable[T]], at_most: int, unwanted: Event) -> None:
        self._make = make
        self._made: Queue[object] = Queue(at_most)
        self._is_unwanted = unwanted
        context = copy_context()  # of the log: whose job and stage it is
        self._thread = Thread(target=lambda: context.run(self._run), name="ahead", daemon=True)
        self.start = self._thread.start

    def taken(self, while_waiting: Callable[[], None]) -> Iterator[T]:
        while True:
            try:
                thing = self._made.get(timeout=WAITED_S)
            except Empty:
                while_waiting()
                continue
            if thing is _END:
                return
            if isinstance(thing, _Failed):
                raise thing.error
            yield thing  # type: ignore[misc]

    def stop(self) -> None:
        self._is_unwanted.set()
        interrupted: BaseException | None = None
        while self._thread.is_alive():
            try:
                self._thread.join()
            except BaseException as error:  # a signal's; what the thread uses must not be closed under it
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _run(self) -> None:
        try:
            for thing in self._make(self._check):
                self._put(thing)
            self._put(_END)
        except _Unwanted:
            pass
        except BaseException as error:  # raised where the result is awaited
            self._put_last(_Failed(error))

    def _check(self) -> None:
        if self._is_unwanted.is_set():
            raise _Unwanted

    def _put(self, thing: object) -> None:
        while True:
            self._check()
            try:
                return self._made.put(thing, timeout=LOOK_EVERY_S)
            except Full:
                continue

    def _put_last(self, thing: object) -> None:
        with suppress(_Unwanted):
            self._put(thing)
