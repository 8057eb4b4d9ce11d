"""The families of failure: telling the user helps, time helps, or the thing is simply not there.

Raise early at the edge; catch once, in the entry point.
"""


class MontageError(Exception):
    """A failure with a stable code for programs and one sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type["MontageError"], tuple[str, ...]]:
        return type(self), (self.code, self.message)


class BadVideo(MontageError):
    """The source or what was asked of it is wrong; telling the user helps, trying again does not."""


class CannotCopy(BadVideo):
    """The picture cannot be stream-copied after all; encoding it helps."""

    def __init__(self, name: str, why_not: str) -> None:
        super().__init__("render_failed", f"{name}: cannot be copied: {why_not}; render with `encode`.")
        self.name = name
        self.why_not = why_not

    def __reduce__(self) -> tuple[type["CannotCopy"], tuple[str, str]]:
        return type(self), (self.name, self.why_not)


class BadRequest(MontageError):
    """An option or a message is wrong; telling the caller helps, trying again does not."""


class TryAgain(MontageError):
    """Something on our side is missing or busy; the same call may go through later."""

    def __init__(self, message: str, code: str = "try_again") -> None:
        super().__init__(code, message)

    def __reduce__(self) -> tuple[type["TryAgain"], tuple[str, str]]:
        return type(self), (self.message, self.code)


class NotFound(MontageError):
    """The object or record asked for does not exist."""

    def __init__(self, message: str, code: str = "not_found") -> None:
        super().__init__(code, message)

    def __reduce__(self) -> tuple[type["NotFound"], tuple[str, str]]:
        return type(self), (self.message, self.code)


class AlreadyThere(MontageError):
    """A create-only write met an object of that name."""

    def __init__(self, message: str) -> None:
        super().__init__("already_there", message)

    def __reduce__(self) -> tuple[type["AlreadyThere"], tuple[str]]:
        return type(self), (self.message,)


class NotAuthenticated(MontageError):
    """The request does not say who sends it, or not in a way that can be believed."""


class NotAllowed(MontageError):
    """Whoever sends the request is known, and may not do this."""


class LeaseLost(MontageError):
    """The chunk now belongs to another task, or its job no longer wants it; stop without a trace."""

    def __init__(self, message: str) -> None:
        super().__init__("lease_lost", message)

    def __reduce__(self) -> tuple[type["LeaseLost"], tuple[str]]:
        return type(self), (self.message,)
