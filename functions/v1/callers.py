"""Who calls: the owner and the scopes behind a request's key."""

import ipaddress
from dataclasses import dataclass
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from functions.v1.context import Api, api_of
from shared.domain.api_key import SCOPES, ApiKey, Scope, hash_of, is_key
from shared.domain.job import Job
from shared.errors import NotAllowed, NotAuthenticated, NotFound

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


def caller_of(api: Api, authorization: str | None, *, address: str = "") -> Caller:
    """Return who sends this header, from this address. Raises NotAuthenticated, TooManyRequests.

    One who shows a key that counts is held to the key's own rate, everybody else to that of the address.
    """
    per_minute = api.settings.requests_per_minute
    if not api.settings.needs_keys:  # it is the caller's own machine
        return Caller(owner=NOBODY_IN_PARTICULAR, scopes=frozenset(SCOPES))
    key = _key_of(api, authorization, address)
    if key is None:
        api.limit.take(address, per_minute=per_minute)
        raise NotAuthenticated(
            "not_authenticated", "This needs a key that counts: send it as Authorization: Bearer montage_…"
        )
    api.limit.take(key.sha256, per_minute=per_minute)
    return Caller(owner=key.owner, scopes=frozenset(key.scopes))


async def reader(request: Request) -> Caller:
    """Return a caller who may read. Raises NotAuthenticated, NotAllowed."""
    return await _with_scope(request, "read")


async def uploader(request: Request) -> Caller:
    """Return a caller who may make and change jobs. Raises NotAuthenticated, NotAllowed."""
    return await _with_scope(request, "upload")


Reader = Annotated[Caller, Depends(reader)]
Uploader = Annotated[Caller, Depends(uploader)]


def visible(api: Api, caller: Caller, job_id: str) -> Job:
    """Return a job the caller may see. Raises NotFound alike for others' jobs and for those that are not there."""
    job = api.cloud.jobs.get(job_id)
    if not caller.sees(job.owner):
        raise NotFound(f"There is no job {job_id}.", code="unknown_job")
    return job


def _key_of(api: Api, authorization: str | None, address: str) -> ApiKey | None:
    """Return the key that the header shows, None where it shows none that counts. Raises TooManyRequests."""
    shown = _shown_key(authorization)
    if shown is None:
        return None
    sha256 = hash_of(shown)
    key = api.known.fresh(sha256)
    if key is None:
        if not api.known.has_met(sha256):  # who tries many keys is not to cost a look at the store for each of them
            api.limit.check(address, per_minute=api.settings.requests_per_minute)
        key = api.known.look_up(sha256, api.keys.find)
    counts = key is not None and key.revoked_at is None and compare_digest(key.sha256, sha256)
    return key if counts else None


def _address_of(request: Request) -> str:
    """Return where the request comes from; a network of IPv6 addresses, which one caller may have to itself, is one.

    Google's front end ends X-Forwarded-For with who called it; anything before that is hearsay.
    """
    host = request.client.host if request.client else ""
    if api_of(request).settings.cloud == "gcp":
        host = ",".join(request.headers.getlist("X-Forwarded-For")).split(",")[-1].strip() or host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if address.version == 4:
        return host
    if address.ipv4_mapped is not None:  # as sockets for both kinds have it; all of IPv4 would be one network
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


async def _with_scope(request: Request, scope: Scope) -> Caller:
    api, authorization, address = api_of(request), request.headers.get("Authorization"), _address_of(request)
    if _is_known(api, authorization):  # a thread for every request costs more than most of what is asked
        caller = caller_of(api, authorization, address=address)
    else:
        caller = await run_in_threadpool(caller_of, api, authorization, address=address)
    if not caller.may(scope):
        raise NotAllowed("wrong_scope", f"This key may not do that; it would need the scope {scope}.")
    return caller


def _is_known(api: Api, authorization: str | None) -> bool:
    """Return whether no store need be asked who that is."""
    if not api.settings.needs_keys:
        return True
    shown = _shown_key(authorization)
    return shown is None or api.known.fresh(hash_of(shown)) is not None


def _shown_key(authorization: str | None) -> str | None:
    """Return the key in the header, None for what has not the form of one."""
    scheme, _, shown = (authorization or "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" and is_key(shown.strip()) else None
