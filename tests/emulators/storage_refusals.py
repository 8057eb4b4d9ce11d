"""How Cloud Storage says no: XML to signed URLs, JSON to the JSON API."""

import json
from typing import Literal
from xml.sax.saxutils import escape

Style = Literal["xml", "json"]


class Refusal(Exception):
    """An answer that is an error, under the code that the XML API gives it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self, style: Style) -> bytes:
        """Return the answer's body."""
        if style == "xml":
            words = f"<Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
            return f"<?xml version='1.0' encoding='UTF-8'?><Error>{words}</Error>".encode()
        error = {"reason": self.code, "message": self.message, "domain": "global"}
        return json.dumps({"error": {"code": self.status, "message": self.message, "errors": [error]}}).encode()


def precondition_failed() -> Refusal:
    return Refusal(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")


def access_denied(who: str, *, permission: str) -> Refusal:
    return Refusal(403, "AccessDenied", f"{who} does not have storage.objects.{permission} access to the object.")
