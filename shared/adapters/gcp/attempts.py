"""How often a call that may be repeated is repeated: with growing, jittered pauses, within one time for it all."""

from dataclasses import dataclass

from google.api_core.retry import Retry, if_exception_type

from shared.adapters.gcp.failures import PASSES

SHARE = 0.25  # of the time for it all: one attempt that hangs leaves room for another two


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What a call of Google's clients is given as `retry` and `timeout`."""

    retry: Retry
    timeout_s: float
    """For one attempt."""


def attempts_within(timeout_s: float) -> Attempts:
    """Return attempts that all end within the time. Only for calls that do no harm when they are done twice."""
    one_s = SHARE * timeout_s
    retry = Retry(
        predicate=if_exception_type(*PASSES),
        initial=0.1,  # a connection that broke is back by then
        maximum=2.0,
        multiplier=2.0,
        timeout=timeout_s - one_s,  # no pause ends after this, so the last attempt ends in time, too
    )
    return Attempts(retry=retry, timeout_s=one_s)
