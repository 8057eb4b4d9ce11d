"""Let many threads or processes do one thing at the same moment."""

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

PROCESSES = 3
START_S = 60.0  # a process that has not begun by then never will

_barrier: Any = None


def race_in_threads(count: int, act: Callable[[int], T]) -> list[T]:
    """Return what `act(0)` … `act(count - 1)` returned, all started together. Raises what any of them raised."""
    barrier = threading.Barrier(count)

    def run(number: int) -> T:
        barrier.wait(START_S)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def race_in_processes(act: Callable[..., T], arguments: Sequence[tuple[Any, ...]]) -> list[T]:
    """Return what `act` returned for each of the PROCESSES tuples of arguments, each in its process, started together.

    `act` is a function of a module and the arguments can be pickled. Raises what any of them raised.
    """
    assert len(arguments) == PROCESSES
    return [future.result(START_S) for future in [_pool().submit(_wait_and_act, act, given) for given in arguments]]


@cache  # starting a process and importing takes a second; it ends with the test run
def _pool() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    return ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_keep, initargs=(barrier,))


def _keep(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def _wait_and_act(act: Callable[..., T], given: tuple[Any, ...]) -> T:
    _barrier.wait(START_S)  # no process waits twice before all have come, so each gets one of the calls
    return act(*given)
