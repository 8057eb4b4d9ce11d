"""README's picture of the page, made anew from the sample: `python -m tests.page_picture` after `make run`."""

import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from shared.settings import Settings
from tests.web.page_browser import chromium, visit
from tests.web.served_page import served_page

PICTURE = Path("docs/images/page.png")
SIZE = (1280, 1035)
WIDTH = 1200
READY_S = 180


def main() -> None:
    (sample,) = Settings().models.glob("sample/*/sample.mp4")
    with tempfile.TemporaryDirectory() as folder, served_page(Path(folder)) as here, chromium() as browser:
        job_id = here.client.upload(sample, options={})
        assert here.client.wait(job_id, ["done", "failed"], timeout_s=READY_S)["state"] == "done"
        with visit(browser, here.url, size=SIZE) as visitor:
            page = visitor.goto(f"/jobs/{job_id}")
            expect(page.get_by_label("The reel", exact=True)).to_have_js_property("readyState", 4)
            page.get_by_role("button", name="Highlight 1 of").click()
            page.get_by_role("button", name="Reel", exact=True).click()
            page.wait_for_timeout(1500)  # pictures are still being decoded
            page.screenshot(path=PICTURE)
    picture = Image.open(PICTURE).convert("RGB")
    height = round(picture.height * WIDTH / picture.width)
    picture.resize((WIDTH, height), Image.Resampling.LANCZOS).quantize(224).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
