"""Text that can be shown on one line, whatever is in it."""


def printable(text: str) -> str:
    """Return the text on one line: what a terminal would act on becomes a question mark."""
    return "".join(each if each.isprintable() else "?" for each in text)
