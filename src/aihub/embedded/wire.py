"""Just enough of the PostgreSQL protocol to ask a server a question.

`psql` would do, but not every folder of binaries has it, and a process each second is dear. Only
SCRAM-SHA-256 is spoken: a stranger who took our port never gets to see the password, and cannot
pass for our server either, because SCRAM proves both sides.
"""

import base64
import functools
import hashlib
import hmac
import secrets
import socket
import struct
from dataclasses import dataclass
from types import TracebackType

_PROTOCOL_3 = 196608
_AUTH_OK, _AUTH_SASL, _AUTH_SASL_CONTINUE, _AUTH_SASL_FINAL = 0, 10, 11, 12
_MECHANISM = b"SCRAM-SHA-256"
_NO_CHANNEL_BINDING = "n,,"
_ITERATIONS = 4096  # PostgreSQL's own default

Row = tuple[str | None, ...]


class WireError(Exception):
    """The server answered with something that is not the protocol we ask for."""


class ServerRefused(WireError):
    """An error message of the server; `sqlstate` is its five-letter code."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{message} ({sqlstate})")
        self.sqlstate = sqlstate


@dataclass(frozen=True)
class Login:
    """Who connects to what, always over TCP on 127.0.0.1."""

    port: int
    user: str
    password: str
    database: str


class Connection:
    """One connection, used as a context manager. Raises OSError when nobody listens."""

    def __init__(self, login: Login, *, timeout_s: float = 5.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", login.port), timeout=timeout_s)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = self._socket.makefile("rb")
            self._log_in(login)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._send(b"X", b"")
        except OSError:
            pass  # the server went first
        finally:
            self._reader.close()
            self._socket.close()

    def query(self, sql: str) -> list[Row]:
        """Run one statement and give its rows as text. Raises ServerRefused."""
        self._send(b"Q", sql.encode() + b"\0")
        rows: list[Row] = []
        refusal: ServerRefused | None = None
        while True:
            kind, body = self._read()
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                refusal = _refusal(body)
            elif kind == b"Z":
                break
        if refusal is not None:
            raise refusal
        return rows

    def _log_in(self, login: Login) -> None:
        pairs = ("user", login.user, "database", login.database, "application_name", "aihub")
        body = b"".join(part.encode() + b"\0" for part in pairs) + b"\0"
        head = struct.pack("!ii", len(body) + 8, _PROTOCOL_3)
        self._socket.sendall(head + body)
        self._authenticate(login.password)
        while self._read_or_refuse()[0] != b"Z":
            pass

    def _authenticate(self, password: str) -> None:
        mechanisms = self._expect_auth(_AUTH_SASL).split(b"\0")
        if _MECHANISM not in mechanisms:
            raise WireError("the server does not offer SCRAM-SHA-256")
        nonce = base64.b64encode(secrets.token_bytes(18)).decode()
        bare = f"n=,r={nonce}"
        first = (_NO_CHANNEL_BINDING + bare).encode()
        self._send(b"p", _MECHANISM + b"\0" + struct.pack("!i", len(first)) + first)
        challenge = self._expect_auth(_AUTH_SASL_CONTINUE).decode()
        answer, signature = _scram_answer(password, nonce, bare, challenge)
        self._send(b"p", answer.encode())
        if not hmac.compare_digest(self._expect_auth(_AUTH_SASL_FINAL), b"v=" + signature):
            raise WireError("the server does not know the password it checks")
        self._expect_auth(_AUTH_OK)

    def _expect_auth(self, code: int) -> bytes:
        kind, body = self._read_or_refuse()
        got = struct.unpack("!i", body[:4])[0] if kind == b"R" and len(body) >= 4 else None  # noqa: PLR2004
        if got != code:
            raise WireError(
                "the server does not authenticate by SCRAM-SHA-256 (was pg_hba.conf changed?)"
            )
        return body[4:]

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _read_or_refuse(self) -> tuple[bytes, bytes]:
        kind, body = self._read()
        if kind == b"E":
            raise _refusal(body)
        return kind, body

    def _read(self) -> tuple[bytes, bytes]:
        kind = self._read_exactly(1)
        (length,) = struct.unpack("!i", self._read_exactly(4))
        if not 4 <= length <= 1 << 24:  # noqa: PLR2004 - its own size, and a bound for strangers
            raise WireError("not a PostgreSQL server")
        return kind, self._read_exactly(length - 4)

    def _read_exactly(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) != count:
            raise ConnectionResetError("the server closed the connection")
        return data


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores for `password`, so that no SQL text ever carries it."""
    salt = secrets.token_bytes(16)
    salted = _salted(password, salt, _ITERATIONS)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    parts = (salt, stored, _hmac(salted, b"Server Key"))
    encoded = [base64.b64encode(part).decode() for part in parts]
    return f"SCRAM-SHA-256${_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def _scram_answer(password: str, nonce: str, bare: str, challenge: str) -> tuple[str, bytes]:
    """The client's final message and the signature a true server must show (RFC 5802)."""
    fields = dict(part.split("=", 1) for part in challenge.split(",") if "=" in part)
    both, salt, count = fields.get("r", ""), fields.get("s", ""), fields.get("i", "")
    if not both.startswith(nonce) or not salt or not count.isdecimal():
        raise WireError("the server's SCRAM challenge makes no sense")
    salted = _salted(password, base64.b64decode(salt), int(count))
    client_key = _hmac(salted, b"Client Key")
    bound = base64.b64encode(_NO_CHANNEL_BINDING.encode()).decode()
    without_proof = f"c={bound},r={both}"
    message = f"{bare},{challenge},{without_proof}".encode()
    signature = _hmac(hashlib.sha256(client_key).digest(), message)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    server_signature = _hmac(_hmac(salted, b"Server Key"), message)
    answer = f"{without_proof},p={base64.b64encode(proof).decode()}"
    return answer, base64.b64encode(server_signature)


@functools.lru_cache(maxsize=32)
def _salted(password: str, salt: bytes, iterations: int) -> bytes:
    # kept, because the check of each second would otherwise pay the 4,096 rounds anew
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _row(body: bytes) -> Row:
    (count,) = struct.unpack("!h", body[:2])
    values: list[str | None] = []
    at = 2
    for _ in range(count):
        (length,) = struct.unpack("!i", body[at : at + 4])
        at += 4
        if length < 0:
            values.append(None)
            continue
        values.append(body[at : at + length].decode())
        at += length
    return tuple(values)


def _refusal(body: bytes) -> ServerRefused:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return ServerRefused(fields.get(b"C", "XX000"), fields.get(b"M", "unknown error"))
