"""Chromium without a window, driven by the DevTools protocol over two pipes: no port, no further library.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import lzma
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AXE: Final = Path(__file__).parent / "axe"
_SECONDS: Final = 20
_LONGEST_MESSAGE: Final = 1 << 26
_OPTIONS: Final = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # a test may run as root, in a container that has no user namespaces; it visits loopback only
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)
_PIPES: Final = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
"""The browser reads commands from descriptor 3 and writes answers to 4."""


def installed() -> str | None:
    """The browser's program; None where there is none on this machine."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Chromium:
    """A browser that runs within the block, with a profile of its own below `folder`."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    async def __aenter__(self) -> Self:
        read_commands, self._commands = os.pipe()
        answers, write_answers = os.pipe()
        self._process = await asyncio.create_subprocess_exec(
            *("bash", "-c", _PIPES, "bash", str(read_commands), str(write_answers), self._program),
            *(*_OPTIONS, f"--user-data-dir={self._folder / 'profile'}", "about:blank"),
            pass_fds=(read_commands, write_answers),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | {"HOME": str(self._folder)},
        )
        os.close(read_commands)
        os.close(write_answers)
        self._answers = asyncio.StreamReader(limit=_LONGEST_MESSAGE)
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(answers, "rb")
        self._transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self._answers), pipe)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            await self.send("Browser.close")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _SECONDS)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._listening.cancel()
        self._transport.close()
        os.close(self._commands)

    async def page(self, *, width: int = 1280, height: int = 900) -> Page:
        """A new page of that size in pixels."""
        target = (await self.send("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.send(f"{domain}.enable")
        still = [{"name": "prefers-reduced-motion", "value": "reduce"}]
        await page.send("Emulation.setEmulatedMedia", features=still)
        await page.resize(width, height)
        return page

    async def send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """The result of a command; RuntimeError says why it failed."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await asyncio.to_thread(os.write, self._commands, json.dumps(message).encode() + b"\0")
        found = await asyncio.wait_for(answer, _SECONDS)
        if "error" in found:
            raise RuntimeError(f"{method}: {found['error']}")
        result: dict[str, Any] = found["result"]
        return result

    async def _listen(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                message = json.loads((await self._answers.readuntil(b"\0"))[:-1])
                if "id" in message:
                    self._waiting.pop(message["id"]).set_result(message)
                elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                    page.tell(message["method"], message["params"])


@dataclass
class Page:
    """A page; `complaints` are errors on its console, violations of its policy, and what it could not load."""

    browser: Chromium
    session: str
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command to this page."""
        return await self.browser.send(method, self.session, **parameters)

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Take note of an event."""
        match method:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.complaints.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"].get("text")))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(params["args"]))
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Network.loadingFailed":
                self.complaints.append(f"{params.get('type')}: {params.get('errorText')}")

    async def resize(self, width: int, height: int) -> None:
        """Give the page a size in pixels."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def go(self, url: str) -> None:
        """Load an address, and wait for all that it loads."""
        self._loaded.clear()
        await self.send("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), _SECONDS)

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression, once it is there; the page's policy does not hold for it."""
        found = await self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    async def press(self, key: str) -> None:
        """Press and release Tab or Enter; Enter on a link waits for the next page."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        self._loaded.clear()
        await self.send("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        await self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def loaded(self) -> None:
        """Wait for the page that a key has led to."""
        await asyncio.wait_for(self._loaded.wait(), _SECONDS)

    async def accessibility(self) -> list[str]:
        """What axe finds wrong that is serious or critical, each in a line."""
        await self.evaluate(f"{axe()}; 0")
        found = await self.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    async def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode((await self.send("Page.captureScreenshot", format="png"))["data"])


def axe() -> str:
    """The rules of accessibility as a script, as long as it is the one that was taken over."""
    script = lzma.decompress((AXE / "axe.min.js.xz").read_bytes())
    (digest,) = re.findall(r"^ +([0-9a-f]{64})  axe\.min\.js$", (AXE / "SOURCE.md").read_text(), re.MULTILINE)
    if hashlib.sha256(script).hexdigest() != digest:
        raise ValueError("axe.min.js is not the file that SOURCE.md names")
    return script.decode()
