"""Carries messages to the handlers on one machine, as Eventarc and Pub/Sub push do in the cloud."""

import logging
from collections.abc import Callable, Collection, Mapping

from functions.burial import HOPELESS, bury, code_of
from functions.on_stage_done import handle_stage_done
from functions.on_stage_requested import handle_stage_requested
from functions.on_upload import handle_upload
from shared.errors import TryAgain
from shared.log import event
from shared.pipeline.request_job import receive_request
from shared.pipeline.watch import watch
from shared.ports import Cloud, Deliveries, Delivery

log = logging.getLogger(__name__)

Handler = Callable[[Cloud, str], None]

HANDLERS: Mapping[str, Handler] = {
    "object-finalized": handle_upload,
    "stage-requested": handle_stage_requested,
    "stage-done": handle_stage_done,
    "job-requests": receive_request,
}
MOST_ATTEMPTS = 20  # about five minutes of trying; afterwards the watchdog is the job's way on
SLOWEST_RETRY_S = 20.0


class EventPump:
    """Delivers due messages about some jobs, or about all of them, and runs the watchdog now and then."""

    def __init__(
        self, cloud: Cloud, deliveries: Deliveries, *, watchdog_every_s: float, job_ids: Collection[str] | None = None
    ) -> None:
        self._cloud, self._deliveries = cloud, deliveries
        self._job_ids = job_ids
        self._watchdog_every_s = watchdog_every_s
        self._watched_at = float("-inf")

    def step(self) -> bool:
        """Deliver what is due, look after the jobs if it is time to, and return whether anything was delivered."""
        if self._cloud.clock() - self._watched_at >= self._watchdog_every_s:
            self._watched_at = self._cloud.clock()
            watch(self._cloud, self._job_ids)
        delivery = self._deliveries.take(keys=self._job_ids)
        if delivery is None:
            return False
        self._deliver(delivery)
        return True

    def _deliver(self, delivery: Delivery) -> None:
        try:
            HANDLERS[delivery.topic](self._cloud, delivery.body)
        except (*HOPELESS, KeyError) as error:
            self._bury(delivery, code=code_of(error), reason=str(error))
        except TryAgain as error:
            self._retry(delivery, error)
        except Exception as error:  # a handler's bug must not stop the other jobs
            log.exception("%s failed", delivery.topic, extra=event("handler_failed", topic=delivery.topic))
            self._retry(delivery, error)
        else:
            self._deliveries.acknowledge(delivery)

    def _retry(self, delivery: Delivery, error: Exception) -> None:
        if delivery.attempts >= MOST_ATTEMPTS:
            self._bury(delivery, code="gave_up", reason=f"{delivery.attempts} attempts, the last: {error}")
            return
        self._deliveries.retry(delivery, after_s=min(SLOWEST_RETRY_S, 0.5 * 2**delivery.attempts))

    def _bury(self, delivery: Delivery, *, code: str, reason: str) -> None:
        bury(self._cloud, topic=delivery.topic, body=delivery.body, code=code, reason=reason)
        self._deliveries.acknowledge(delivery)
