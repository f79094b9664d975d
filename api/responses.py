"""The response as this API gives it: in one piece wherever all of it is there already."""

from collections.abc import Iterable
from typing import Any

from flask import Response as FlaskResponse

WITHOUT_BODY = (204, 304)


class Response(FlaskResponse):
    """Goes to the server as a plain list of bytes, which it sends at once, without an iterator.

    Streams, redirects and interim answers go the framework's way.
    """

    def get_wsgi_response(
        self, environ: dict[str, Any]
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Returns body, status line and headers, made for the request in `environ`."""
        status = self.status_code
        streamed = not self.is_sequence or self.direct_passthrough or self._on_close
        if streamed or status < 200 or 300 <= status < 304:
            return super().get_wsgi_response(environ)
        body = list(self.iter_encoded())
        headers = self.headers.to_wsgi_list()
        if status in WITHOUT_BODY:
            return [], self.status, [pair for pair in headers if pair[0] not in OF_A_BODY]
        if all(name != "Content-Length" for name, _ in headers):
            headers.append(("Content-Length", str(sum(map(len, body)))))
        return ([] if environ["REQUEST_METHOD"] == "HEAD" else body), self.status, headers


OF_A_BODY = frozenset({"Content-Length", "Content-Type", "Content-Encoding"})
"""Headers that say nothing where there is no body."""
