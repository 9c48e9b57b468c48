"""Headless Chromium to look at the report."""

from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def chromium():
    """A headless browser without a network: Debian's, or the one that ASSAY_CHROMIUM names."""
    from playwright.sync_api import sync_playwright

    path = shutil.which(os.environ.get("ASSAY_CHROMIUM", "chromium"))
    assert path, "Chromium is needed to look at the report: make browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def open_offline(chromium):
    """Opens a page without a network; ``problems`` of the tab collects requests and script errors."""

    def opened(path, width=1280):
        context = chromium.new_context(offline=True, viewport={"width": width, "height": 900})
        tab = context.new_page()
        tab.problems = []
        tab.on("pageerror", lambda error: tab.problems.append(str(error)))
        tab.on(
            "request",
            lambda request: (
                None if request.url.startswith("file:") else tab.problems.append(request.url)
            ),
        )
        tab.goto(path.as_uri())
        return tab

    return opened
