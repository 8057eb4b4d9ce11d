"""GET /v1/health."""

from fastapi import APIRouter, Response

from functions.v1.answers import json_answer
from functions.v1.bodies import HealthTold
from functions.v1.documented import problems
from functions.v1.requests import only

router = APIRouter(tags=["health"])


@router.get(
    "/v1/health",
    operation_id="get_health",
    summary="Whether the API answers",
    response_model=HealthTold,
    responses=problems(is_open=True),
    dependencies=[only()],
    openapi_extra={"security": []},
)
async def get_health() -> Response:
    """Needs no key, and says nothing of what lies behind the API."""
    # Answered by the event loop itself: threads may all be busy with what takes long, and this process is well.
    return json_answer(HealthTold())
