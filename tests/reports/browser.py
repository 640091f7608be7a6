"""A real headless Chromium, driven over its DevTools pipe: what a page shows, logs and looks like.

Why not a library: those for Python bring a browser of their own or a driver that must fit its version; the pipe takes
JSON and needs nothing but the browser that the system has.
"""

import base64
import json
import os
import shutil
import subprocess
from itertools import count
from pathlib import Path

import pytest


class Browser:
    """One browser with one page. `errors` has every error of console, page and network."""

    def __init__(self, profile):
        program = shutil.which("chromium") or shutil.which("google-chrome")
        if program is None:
            pytest.skip("no Chromium on this machine (apt-get install chromium)")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
            "--hide-scrollbars",
        ]
        flags += ["--no-first-run", "--disable-extensions", "--disable-background-networking"]
        # the browser reads from 3 and writes to 4
        placed = f'exec "$@" 3</proc/self/fd/{theirs_in} 4>/proc/self/fd/{theirs_out}'
        self._process = subprocess.Popen(
            ["sh", "-c", placed, "sh", program, *flags, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._ids, self._buffer, self._events, self.errors = count(1), b"", [], []
        self._session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _message(self):
        while b"\0" not in self._buffer:
            data = os.read(self._in, 1 << 20)
            assert data, "Chromium ended"
            self._buffer += data
        row, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(row)

    def call(self, method, **parameters):
        number = next(self._ids)
        command = {"id": number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while True:
            message = self._message()
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self._note(message)

    def _note(self, message):
        method, said = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(said["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning"):
            self.errors.append(str(said["args"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.errors.append(said["entry"]["text"])
        elif method == "Network.requestWillBeSent" and not said["request"]["url"].startswith(
            ("file:", "data:")
        ):
            self.errors.append(f"a request to {said['request']['url']}")
        self._events.append(method)

    def open(self, url, *, width=1280, height=800, dark=False, media=""):
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=scheme)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        for place in ("about:blank", url):  # a new address of the page that is open would only move in it
            self._events.clear()
            self.call("Page.navigate", url=place)
            while "Page.loadEventFired" not in self._events:
                self._note(self._message())

    def eval(self, script):
        """The value of an expression in the page; a promise is waited for."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def key(self, key):
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self, path, *, whole=False):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(shot["data"]))

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
