"""What stands around every page: response headers, the guard against forged posts, and how often somebody may try."""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sigill.runtime.clock import stopwatch

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with `no-referrer` browsers would hide the Origin of our own posts
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
HSTS = "max-age=31536000; includeSubDomains"


class SecurityHeaders:
    """Puts the headers on every answer. Pages are never stored by a browser or a proxy; static files are."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if self._https:
                    headers.setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        await self._app(scope, receive, with_headers)


class Attempts:
    """
    How often somebody may try: a bucket of `burst` tries that fills again at `each_minute`.

    Kept in this process; behind several processes the bound is that many times higher.
    """

    MOST = 10_000

    def __init__(self, burst: int, each_minute: float, elapsed: Callable[[], float] = stopwatch) -> None:
        self._burst = float(burst)
        self._rate = each_minute / 60
        self._elapsed = elapsed
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allowed(self, who: str, tries: int = 1) -> bool:
        """Count tries of `who`, all or none; False: not now."""
        return self.wait(who, tries) == 0

    def wait(self, who: str, tries: int = 1) -> float:
        """Count tries of `who` and return 0; or count none, and return the seconds until there is room for them."""
        now = self._elapsed()
        left, since = self._left.pop(who, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        good = left >= tries
        self._left[who] = (left - tries if good else left, now)
        while len(self._left) > self.MOST:
            self._left.popitem(last=False)
        return 0.0 if good else (tries - left) / self._rate


def network_of(address: str) -> str:
    """
    Return what tries are counted by: an IPv4 address, the /64 of an IPv6 one, which one caller has whole.

    A port, brackets and a zone that a proxy writes beside it are left out: each connection would be another caller. An IPv4
    address written as IPv6 is that IPv4 address: all of IPv4 would be one caller.
    """
    host = address.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return host or "unknown"  # a name that a proxy gives
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


def forged(request: Request, expected: str, given: object) -> bool:
    """
    Whether a post may come from another site: its token is not the session's, or the browser says so itself.

    Browsers that send neither `Sec-Fetch-Site` nor `Origin` are judged by the token alone.
    """
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        return True
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def local_path(path: str | None) -> str:
    """A path of ours to go to, or the first page: never another site's address."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or "\\" in path:
        return "/"
    return path
