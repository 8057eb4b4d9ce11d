"""Which web pages may use a bucket, by the rules of `bucket.cors`."""

from collections.abc import Mapping, Sequence
from typing import Any

Rule = Mapping[str, Any]

UPLOAD_HEADERS = (
    "Content-Type", "Content-Range", "Range", "Location", "ETag", "x-goog-resumable", "x-goog-content-length-range",
    "x-goog-if-generation-match", "x-goog-generation", "x-goog-hash",
)  # fmt: skip


def upload_rule(origins: Sequence[str]) -> Rule:
    """Return the rule by which these pages may upload and download."""
    return {
        "origin": list(origins),
        "method": ["GET", "HEAD", "PUT", "POST", "DELETE"],
        "responseHeader": list(UPLOAD_HEADERS),
        "maxAgeSeconds": 3600,
    }


def preflight(rules: Sequence[Rule], origin: str, method: str, headers: str) -> dict[str, str]:
    """Return the headers that let a browser go on, none if no rule lets it."""
    wanted = [name.strip() for name in headers.split(",") if name.strip()]
    for rule in rules:
        allowed = {name.lower() for name in rule.get("responseHeader", ())}
        if _fits(rule, origin, method) and ("*" in allowed or {name.lower() for name in wanted} <= allowed):
            return {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": ", ".join(rule.get("method", ())),
                "Access-Control-Allow-Headers": ", ".join(wanted),
                "Access-Control-Max-Age": str(rule.get("maxAgeSeconds", 3600)),
                "Vary": "Origin",
            }
    return {}


def allowance(rules: Sequence[Rule], origin: str, method: str) -> dict[str, str]:
    """Return the headers by which a browser shows an answer to the page that asked."""
    for rule in rules:
        if _fits(rule, origin, method):
            return {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Expose-Headers": ", ".join(rule.get("responseHeader", ())),
                "Vary": "Origin",
            }
    return {}


def _fits(rule: Rule, origin: str, method: str) -> bool:
    return bool({"*", origin} & set(rule.get("origin", ()))) and bool({"*", method} & set(rule.get("method", ())))
