"""Styles, scripts and the icon: served from memory under a URL that changes with their content."""

import asyncio
import gzip
import hashlib
from functools import lru_cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from aihub.charts.api import read_script
from aihub.dashboards.security import STATIC_HEADERS
from aihub.kit.errors import NotFound

LIBRARY = "lets-plot.min.js"  # of the charts; 2.9 MB, of which a browser needs 0.9
_GZIP_LEVEL = 4  # 60 ms; the highest takes four times as long for 5 % less
_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HASH_DIGITS = 16


class StaticFiles:
    """The files of `static/`, read once. One hash over all of them, so that a module finds its
    neighbours by their plain names."""

    def __init__(self) -> None:
        self._files = {
            entry.name: entry.read_bytes()
            for entry in files("aihub.dashboards").joinpath("static").iterdir()
            if entry.name.rpartition(".")[2] in _MEDIA_TYPES
        }
        digest = hashlib.sha256(read_script())
        for name in sorted(self._files):
            digest.update(name.encode() + b"\0" + self._files[name] + b"\0")
        self._hash = digest.hexdigest()[:_HASH_DIGITS]

    def url(self, name: str) -> str:
        """Where the page finds a file. Raises KeyError for one that is not there."""
        if name != LIBRARY:
            self._files[name]
        return f"/static/{self._hash}/{name}"

    async def serve(self, request: Request) -> Response:
        """Another hash is not answered: what it named may have been another content."""
        name = request.path_params["name"]
        if request.path_params["hash"] != self._hash:
            raise NotFound("There is no such file.")
        if name == LIBRARY:
            return await _serve_library(request)
        if name not in self._files:
            raise NotFound("There is no such file.")
        media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
        return Response(self._files[name], media_type=media_type, headers=STATIC_HEADERS)


async def _serve_library(request: Request) -> Response:
    packed = await asyncio.to_thread(_pack_library)
    headers = {**STATIC_HEADERS, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers = packed, {**headers, "Content-Encoding": "gzip"}
    else:
        body = await asyncio.to_thread(gzip.decompress, packed)
    return Response(body, media_type=_MEDIA_TYPES["js"], headers=headers)


@lru_cache(maxsize=1)
def _pack_library() -> bytes:
    return gzip.compress(read_script(), _GZIP_LEVEL, mtime=0)
