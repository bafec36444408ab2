"""GroupLens, played by a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from grouplens_site import Site, source_of

from recdemo.data.grouplens import SOURCES


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server that behaves as the site says."""
    site, closing = Site(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            site.asked.append(self.headers.get("Range"))
            if site.status:
                self.send_error(site.status)
                return
            if site.location:
                self.send_response(302)
                self.send_header("Location", site.location)
                self.end_headers()
                return
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if site.ranges else 0
            if start >= len(site.content):
                self.send_error(416)
                return
            body = site.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("ETag", site.tag)
            if site.says_length:
                self.send_header("Content-Length", str(len(body)))
            if start:
                last = len(site.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(site.content)}")
            self.end_headers()
            if site.stall is not None:
                self.wfile.write(body[: site.stall])
                closing.wait(5)
                return
            self.wfile.write(body[: site.cut] if site.cut is not None else body)

    monkeypatch.setitem(SOURCES, "ml-100k", source_of())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.base = f"http://127.0.0.1:{server.server_port}"
    yield site
    closing.set()
    server.shutdown()
    server.server_close()
