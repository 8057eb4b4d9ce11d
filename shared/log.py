"""JSON lines with the fields dashboards and alerts rely on.

Fields: severity, event, message, job, stage, chunk, attempt, run, trace, elapsed_s. The context fields are set once per
process or handler with `bind`; a single line adds its own through `extra={"fields": {...}}`.
"""

import json
import logging
import sys
import time
from contextvars import ContextVar
from typing import Any, TextIO

_context: ContextVar[dict[str, Any] | None] = ContextVar("montage_log_context", default=None)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "severity": record.levelname,
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "logger": record.name,
            "message": record.getMessage(),
            **(_context.get() or {}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Send every logger's lines to the stream (standard error when None) as JSON; called once by an entry point."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def bind(**fields: Any) -> None:
    """Add fields to every following line of this process or handler."""
    _context.set({**(_context.get() or {}), **fields})


def event(name: str, **fields: Any) -> dict[str, Any]:
    """Return the `extra` that names a line's event: `log.info("...", extra=event("chunk_done", elapsed_s=1.2))`."""
    return {"fields": {"event": name, **fields}}
