"""The server of a preview: one page, its state and its picture, on the loopback interface alone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from threading import Event

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from graphnn.cli.preview.state import Preview, State
from graphnn.cli.preview.watching import changes

_HOST = "127.0.0.1"
_WAIT = 20.0  # seconds until the page asks again
_LATER = 0.3  # seconds after a picture, so that the browser has it first
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
_FOLDER = files(__package__)


class Server:
    """A preview that is served."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview
        self._state = State()
        self._changed = asyncio.Condition()
        script = (_FOLDER / "page.js").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        self._page = (_FOLDER / "page.html").read_text(encoding="utf-8").replace("SCRIPT", script)
        self._policy = (
            f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
            "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    def application(self) -> Starlette:
        """What answers requests, to this machine's own names alone."""
        routes = [
            Route("/", self._answer_page),
            Route("/state", self._answer_state),
            Route("/picture", self._answer_picture),
        ]
        hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"])
        return Starlette(routes=routes, middleware=[hosts], lifespan=self._watching)

    async def _answer_page(self, _: Request) -> Response:
        policy = {"Content-Security-Policy": self._policy}
        return HTMLResponse(self._page, headers=_HEADERS | policy)

    async def _answer_picture(self, _: Request) -> Response:
        policy = {"Content-Security-Policy": "frame-ancestors 'self'"}
        return HTMLResponse(self._state.page, headers=_HEADERS | policy)

    async def _answer_state(self, request: Request) -> Response:
        """The state, as soon as it is another than that which the page has."""
        known = request.query_params.get("after", "")
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAIT), self._changed:
                await self._changed.wait_for(lambda: str(self._state.version) != known)
        return JSONResponse(self._state.shown(), headers=_HEADERS)

    @asynccontextmanager
    async def _watching(self, _: Starlette) -> AsyncIterator[None]:
        stop = Event()
        task = asyncio.create_task(self._follow(stop))
        yield
        stop.set()
        task.cancel()

    async def _follow(self, stop: Event) -> None:
        turns = changes(self._preview.file, stop)
        checking: asyncio.Task[None] | None = None
        while await asyncio.to_thread(next, turns, stop) is not stop:
            if checking is not None:
                checking.cancel()
            await self._show(await asyncio.to_thread(self._preview.drawn, self._state))
            checking = asyncio.create_task(self._check(self._state))

    async def _check(self, state: State) -> None:
        """Report what only a longer look finds, such as faults of training data."""
        await asyncio.sleep(_LATER)
        await self._show(await asyncio.to_thread(self._preview.checked, state))

    async def _show(self, state: State) -> None:
        async with self._changed:
            self._state = state
            self._changed.notify_all()


def serve(preview: Preview, port: int, ready: Callable[[str], None]) -> None:
    """Serve `preview` until it is interrupted; `ready` gets the address.

    Raises
    ------
    OSError
        The port is taken.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen()  # so that a request before all is set up waits
        ready(f"http://{_HOST}:{listener.getsockname()[1]}/")
        config = uvicorn.Config(
            Server(preview).application(),
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run(sockets=[listener])
