"""HTTP, as much of it as images need: one session, trust, proxies, time limits, redirects."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import requests
import requests.adapters
import requests.auth
import requests.utils

from boot2docker_py import __version__
from boot2docker_py.errors import DownloadError
from boot2docker_py.image.fetching import trust, web_errors
from boot2docker_py.image.fetching.patience import PassingError, Patience, demand_time
from boot2docker_py.image.sources import without_password
from boot2docker_py.wait import Deadline

_CHUNK_BYTES = 64 * 1024
_MOST_REDIRECTS = 10
_MOST_TEXT_BYTES = 8 * 1024 * 1024  # a list of releases has some hundred kilobytes


class Answer:
    """The answer of a server, its body still to be read."""

    def __init__(self, response: requests.Response, deadline: Deadline, stall_s: float) -> None:
        self._response = response
        self._deadline = deadline
        self._stall_s = stall_s
        self.url = response.url
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    @property
    def is_encoded(self) -> bool:
        """Tell whether the body is compressed, so that its length is not that of the file."""
        return self.headers.get("Content-Encoding", "identity").lower() not in ("", "identity")

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it comes, none of them empty.

        Raises:
            PassingError: the connection was cut, or the server fell silent.
            DeadlineError: the time is over.
        """
        while True:
            demand_time(self._deadline)
            with web_errors.translated(self.url, find_proxy):
                self._limit_next_read()
                chunk = self._response.raw.read1(_CHUNK_BYTES, decode_content=False)
            if not chunk:
                return
            yield chunk

    def _limit_next_read(self) -> None:
        # The socket has left the connection when the server wants to close after this answer;
        # then the limit stays that of the beginning.
        connection = getattr(self._response.raw, "connection", None)
        sock = getattr(connection, "sock", None)
        if sock is not None:
            sock.settimeout(max(0.001, self._deadline.remaining_s(self._stall_s)))

    def text(self) -> str:
        """Return the body as text.

        Raises:
            DownloadError: it is too much for a text.
        """
        body = b""
        for chunk in self.chunks():
            body += chunk
            if len(body) > _MOST_TEXT_BYTES:
                raise DownloadError(
                    f"'{without_password(self.url)}' answers with too many bytes",
                    details=f"more than {_MOST_TEXT_BYTES} bytes where a short text belongs",
                    resolution="Check the address given with --iso-url.",
                )
        return body.decode("utf-8", errors="replace")


class Web:
    """A session with web servers, all of it within one deadline."""

    def __init__(self, deadline: Deadline, *, stall_s: float, cacert: Path | None) -> None:
        self._deadline = deadline
        self._stall_s = stall_s
        self._session = requests.Session()
        self._session.max_redirects = _MOST_REDIRECTS
        self._session.headers["User-Agent"] = f"boot2docker-py/{__version__}"
        self._session.headers["Accept-Encoding"] = "identity"  # so that lengths are lengths
        adapter = trusting(trust.make_context(cacert))
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._session.close()

    @contextlib.contextmanager
    def open(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        also: Sequence[int] = (),
        token: str = "",
    ) -> Iterator[Answer]:
        """Ask for `url`, and give the answer to a `with` block: 200, 206, or one of `also`.

        `token` is for the host of `url` alone, and follows no redirect to another.

        Raises:
            StatusError: the server refuses. PassingError: it may answer later.
            DownloadError: any other reason. UsageError: the address is wrong.
        """
        demand_time(self._deadline)
        limit_s = self._deadline.remaining_s(self._stall_s)
        with web_errors.translated(url, find_proxy):
            response = self._session.get(
                url,
                headers=dict(headers or {}),
                auth=_Bearer(token) if token else None,
                stream=True,
                timeout=(limit_s, limit_s),
            )
        with contextlib.closing(response):
            _demand_same_security(response)
            answer = Answer(response, self._deadline, self._stall_s)
            if answer.status not in (200, 206, *also):
                text = _beginning(answer)
                raise web_errors.of_status(answer.url, answer.status, answer.headers, text)
            # A few hundred bytes could become all of the memory, or all of the disk.
            if answer.is_encoded:
                raise DownloadError(
                    f"'{without_password(url)}' is sent compressed, which we ask not to do",
                    details=f"Content-Encoding: {answer.headers.get('Content-Encoding', '')}",
                    resolution="Fetch it with a browser, and give the file with --iso-url.",
                )
            yield answer

    def fetch_text(self, url: str, *, accept: str = "*/*", token: str = "") -> str:
        """Return a short text, trying again where that may help.

        Raises:
            DownloadError, DeadlineError, UsageError: as `open`.
        """
        patience = Patience(self._deadline)
        while True:
            try:
                with self.open(url, {"Accept": accept}, token=token) as answer:
                    return answer.text()
            except PassingError as error:
                patience.pause(error)


def trusting(context: ssl.SSLContext) -> requests.adapters.HTTPAdapter:
    """Return connections that trust as the context does, and nothing else."""
    return _Adapter(context)


class _Adapter(requests.adapters.HTTPAdapter):
    """Connections with our own trust, and without a proxy to this computer itself."""

    def __init__(self, context: Any) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)

    def cert_verify(self, conn: Any, *_: Any) -> None:
        # requests would add certifi's certificates here, or REQUESTS_CA_BUNDLE a second time.
        conn.cert_reqs = "CERT_REQUIRED"

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        options["verify"] = True
        options["proxies"] = {} if is_loopback(request.url or "") else options.get("proxies")
        return super().send(request, **options)


class _Bearer(requests.auth.AuthBase):
    """A token for the first host; requests drops the header when it is sent to another one."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def is_loopback(url: str) -> bool:
    """Tell whether an address is this computer itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def find_proxy(url: str) -> str | None:
    """Return the proxy that the environment, or the operating system, wants for `url`."""
    if is_loopback(url):
        return None
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))


def _demand_same_security(response: requests.Response) -> None:
    schemes = [urlsplit(hop.url).scheme for hop in [*response.history, response]]
    if "https" in schemes and schemes[-1] == "http":
        raise DownloadError(
            f"'{without_password(response.history[0].url)}' is redirected from https "
            "to plain http",
            details=f"to '{without_password(response.url)}'",
            resolution="If you trust that address, give it with --iso-url and --sha256.",
        )


def _beginning(answer: Answer) -> str:
    try:
        return next(answer.chunks(), b"")[:4096].decode("utf-8", errors="replace")
    except PassingError as error:
        return error.brief
