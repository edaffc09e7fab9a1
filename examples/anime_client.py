#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of anime-server in one file, with nothing but Python's standard library.

usage: anime_client.py PHOTO PICTURE [--server URL] [--key KEY] [--style NAME] [--strength 0..1]
                       [--format jpeg|png|webp|avif] [--quality 1..100] [--max-dimension PIXELS]

As a module:
    client = AnimeClient("http://127.0.0.1:8080")
    picture = client.paint(open("photo.jpg", "rb").read(), style="default", format="png")
"""
import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


class AnimeError(Exception):
    """What the service answered: code is stable, remedy says what to do, request_id finds its log lines."""

    def __init__(self, status, problem):
        super().__init__(problem.get("detail") or f"HTTP {status}")
        self.status = status
        self.code = problem.get("code", "")
        self.remedy = problem.get("remedy", "")
        self.request_id = problem.get("request_id", "")
        self.retry_after = problem.get("retry_after", 0)


class AnimeClient:
    def __init__(self, server="http://127.0.0.1:8080", key=None, timeout=30, patience=120):
        """timeout: seconds for one answer; patience: for a picture, tries and waits included."""
        self.server = server.rstrip("/")
        self.key = key
        self.timeout = timeout
        self.patience = patience

    def limits(self):
        return json.loads(self._request("GET", "/v1/limits"))

    def styles(self):
        return json.loads(self._request("GET", "/v1/styles"))["styles"]

    def paint(self, photo, progress=None, **options):
        """The picture of a photo, both bytes. Options are those of /v1/limits. progress is told of each job."""
        until = time.monotonic() + self.patience
        query = urllib.parse.urlencode({name: value for name, value in options.items() if value is not None})
        # One key for all tries: an upload whose answer was lost on its way is not painted twice.
        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": str(uuid.uuid4())}
        job = json.loads(self._again(until, "POST", f"/v1/jobs?{query}", photo, headers))
        while job["state"] in ("queued", "running"):
            if progress:
                progress(job)
            if time.monotonic() >= until:
                self._request("DELETE", job["links"]["self"])
                raise TimeoutError(f"no picture within {self.patience} s")
            job = json.loads(self._again(until, "GET", job["links"]["self"], None, {"Prefer": "wait=10"}))
        if progress:
            progress(job)
        if job["state"] != "succeeded":
            raise AnimeError(job.get("error", {}).get("status", 410), job.get("error", {"detail": job["state"]}))
        return self._again(until, "GET", job["links"]["result"])

    def _again(self, until, method, path, body=None, headers=None):
        """Tries again where that may help: no connection, 429, 503."""
        wait = 1
        while True:
            try:
                return self._request(method, path, body, headers)
            except AnimeError as error:
                if error.status not in (429, 503):
                    raise
                wait, reason = max(wait, error.retry_after), error
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                reason = error
            if time.monotonic() + wait > until:
                raise reason
            time.sleep(wait)
            wait = min(wait * 2, 15)

    def _request(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.server + path, data=body, method=method, headers=headers or {})
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            text = error.read()
            is_problem = error.headers.get_content_type() == "application/problem+json"
            raise AnimeError(error.code, json.loads(text) if is_problem else {}) from None


def main():
    parser = argparse.ArgumentParser(description="Paints a photo as anime.")
    parser.add_argument("photo")
    parser.add_argument("picture")
    parser.add_argument("--server", default=os.environ.get("ANIME_SERVER_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--key", default=os.environ.get("ANIME_KEY"))
    for option in ("style", "strength", "faces", "format", "quality", "max-dimension"):
        parser.add_argument(f"--{option}")
    arguments = vars(parser.parse_args())
    photo, picture, server, key = (arguments.pop(name) for name in ("photo", "picture", "server", "key"))

    def progress(job):
        place = f", {job['position']} in the queue" if "position" in job else ""
        print(f"{job['state']}: {job['stage']}{place}", file=sys.stderr)

    with open(photo, "rb") as file:
        data = file.read()
    try:
        painted = AnimeClient(server, key).paint(data, progress, **arguments)
    except AnimeError as error:
        sys.exit(f"{error} {error.remedy} ({error.code}, request {error.request_id})")
    except OSError as error:
        sys.exit(f"{server}: {error}")
    with open(picture, "wb") as file:
        file.write(painted)


if __name__ == "__main__":
    main()
