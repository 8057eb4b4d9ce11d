"""Who calls: the owner and the scopes behind a request's key."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from functions.v1.context import Api, api_of
from shared.domain.api_key import SCOPES, Scope
from shared.domain.job import Job
from shared.errors import NotAllowed, NotFound

NOBODY_IN_PARTICULAR = "local"
"""Owns the jobs of a machine that asks for no keys; also those of the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who was let in."""

    owner: str
    scopes: frozenset[Scope]

    @property
    def is_admin(self) -> bool:
        return "admin" in self.scopes

    def may(self, scope: Scope) -> bool:
        return self.is_admin or scope in self.scopes

    def sees(self, owner: str) -> bool:
        """Return whether this owner's jobs are there for the caller."""
        return self.is_admin or owner == self.owner


def caller_of(api: Api, authorization: str | None) -> Caller:
    """Return who sends this header. Raises NotAuthenticated."""
    return Caller(owner=NOBODY_IN_PARTICULAR, scopes=frozenset(SCOPES))


def reader(request: Request) -> Caller:
    """Return a caller who may read. Raises NotAuthenticated, NotAllowed."""
    return _with_scope(request, "read")


def uploader(request: Request) -> Caller:
    """Return a caller who may make and change jobs. Raises NotAuthenticated, NotAllowed."""
    return _with_scope(request, "upload")


Reader = Annotated[Caller, Depends(reader)]
Uploader = Annotated[Caller, Depends(uploader)]


def visible(api: Api, caller: Caller, job_id: str) -> Job:
    """Return a job the caller may see. Raises NotFound alike for others' jobs and for those that are not there."""
    job = api.cloud.jobs.get(job_id)
    if not caller.sees(job.owner):
        raise NotFound(f"There is no job {job_id}.", code="unknown_job")
    return job


def _with_scope(request: Request, scope: Scope) -> Caller:
    caller = caller_of(api_of(request), request.headers.get("Authorization"))
    if not caller.may(scope):
        raise NotAllowed("wrong_scope", f"This key may not do that; it would need the scope {scope}.")
    return caller
