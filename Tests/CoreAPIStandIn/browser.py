#!/usr/bin/env python3
"""Plays a run in a browser: the page of a front end, the agent's call, and the preview that comes of it.

    browser.py ROUTER-URL RUN OWNER-BEARER SERVICE-KEY APP-PORT

Needs the package playwright, and Chromium. Prints what it has seen, a line each, and ends with 1 at the first thing that is not
as it has to be.
"""

import http.client
import json
import shutil
import sys
import urllib.parse

from playwright.sync_api import expect, sync_playwright

AGENT_LIMIT_SECONDS = 2
ANSWER_LIMIT_SECONDS = 60
PAGE_LIMIT_MILLISECONDS = 30_000


def call(base, method, path, bearer, body=None, limit=ANSWER_LIMIT_SECONDS):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(base).netloc, timeout=limit)
    headers = {"Authorization": f"Bearer {bearer}"} | ({"Content-Type": "application/json"} if body else {})
    try:
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def require(condition, what):
    print(("saw: " if condition else "MISSING: ") + what, flush=True)
    if not condition:
        sys.exit(1)


def main():
    base, run, owner, key, app_port = sys.argv[1:6]
    path = f"/api/runs/{run}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PAGE_LIMIT_MILLISECONDS)
        options = urllib.parse.urlencode({"run": run, "bearer": owner, "query": "count=2&hold=1"})
        page.goto(f"{base}/app#{options}")
        expect(page.locator("#state")).to_have_text("connected 1", timeout=PAGE_LIMIT_MILLISECONDS)
        steps = page.locator('#timeline li[data-event="run.step"]')
        expect(steps).to_have_count(2, timeout=PAGE_LIMIT_MILLISECONDS)
        require(True, "the core API's two events on the page")

        # The agent's client gives up before anybody decides, and the tool is called again.
        start = {"target_port": int(app_port)}
        try:
            call(base, "POST", f"{path}/sandbox/preview", key, start, limit=AGENT_LIMIT_SECONDS)
            require(False, "the agent's call waits for a decision")
        except TimeoutError:
            require(True, "the agent's call waits for a decision")
        card = page.locator(".card")
        expect(card).to_have_count(1, timeout=PAGE_LIMIT_MILLISECONDS)
        text = card.inner_text()
        require(f"start_preview sandbox-preview:{app_port}: The agent wants to expose" in text, "the card with what is asked")

        page.click("#reconnect")
        expect(page.locator("#state")).to_have_text("connected 2", timeout=PAGE_LIMIT_MILLISECONDS)
        expect(page.locator('#timeline li[data-event="tool.approval_required"]')).to_have_count(
            2, timeout=PAGE_LIMIT_MILLISECONDS
        )
        require(card.count() == 1, "one card after the page has connected again")
        require(steps.count() == 2, "no event of the core API's twice")

        card.get_by_role("button", name="Approve once").click()
        expect(card).to_have_count(0, timeout=PAGE_LIMIT_MILLISECONDS)
        require(True, "the card is gone after the click")
        status, session = call(base, "POST", f"{path}/sandbox/preview", key, start)
        require(status == 200 and session.get("ready") is True, f"the agent's second call has its preview ({status})")

        preview = browser.new_page()
        preview.goto(session["preview_url"])
        expect(preview.locator("h1")).to_have_text("The app in the sandbox", timeout=PAGE_LIMIT_MILLISECONDS)
        require(True, "the app at the preview's address")

        stopped, _ = call(base, "DELETE", f"{path}/sandbox/port-forward/{session['session_id']}", owner)
        require(stopped == 200, "the preview stopped")
        expect(page.locator('#timeline li[data-event="preview.stopped"]')).to_have_count(1, timeout=PAGE_LIMIT_MILLISECONDS)
        require(True, "the end of the preview on the page")
        status = preview.evaluate("fetch('/', { cache: 'no-store' }).then((answer) => answer.status)")
        require(status == 404, "nothing at the preview's address any more")

        call(base, "POST", f"{path}/end", owner)
        expect(page.locator("#state")).to_have_text("done", timeout=PAGE_LIMIT_MILLISECONDS)
        require(True, "the end of the stream when the run is over")
        browser.close()


if __name__ == "__main__":
    main()
