"""Pub/Sub: another system asks for a job."""

from typing import TYPE_CHECKING

from functions.serving import Answer, answer_push
from shared.pipeline.request_job import receive_request

if TYPE_CHECKING:
    from flask import Request


def on_job_requested(request: "Request") -> Answer:
    """Answer a push of `job-requests`."""
    return answer_push(request, "job-requests", receive_request)
