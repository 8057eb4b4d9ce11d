"""Write the description of the HTTP API, for whoever writes a client: `make openapi`."""

import json
import sys
from pathlib import Path

from functions.v1.app import routes

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"


def text() -> str:
    """Return the document as it is kept; it depends on no setting, and nothing is started for it."""
    return json.dumps(routes().openapi(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the document."""
    DOCUMENT.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
