"""The small protocol client against strangers who took the port."""

import socket
import struct
import threading

import pytest

from aihub.embedded.wire import Connection, Login, WireError


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def sasl_impostor(connection):
    connection.sendall(message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0"))
    nonce = connection.recv(4096).split(b"r=")[1]
    challenge = b"r=" + nonce + b"more,s=c2FsdHNhbHQ=,i=4096"
    connection.sendall(message(b"R", struct.pack("!i", 11) + challenge))
    proof = connection.recv(4096)
    connection.sendall(message(b"R", struct.pack("!i", 12) + b"v=bm90IHRoZSBzZXJ2ZXI="))
    return proof


def ask_in_clear(connection):
    connection.sendall(message(b"R", struct.pack("!i", 3)))
    return connection.recv(4096)


def trust(connection):
    connection.sendall(message(b"R", struct.pack("!i", 0)) + message(b"Z", b"I"))
    return connection.recv(4096)


def speak_http(connection):
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    return connection.recv(4096)


@pytest.mark.parametrize("behave", [sasl_impostor, ask_in_clear, trust, speak_http])
def test_a_stranger_neither_passes_nor_learns_the_password(behave):
    heard = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve():
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(4096))
                heard.append(behave(connection))

        thread = threading.Thread(target=serve)
        thread.start()
        login = Login(listener.getsockname()[1], "postgres", "the-password", "aihub")
        with pytest.raises(WireError):
            Connection(login, timeout_s=5)
        thread.join(timeout=5)
    assert heard
    assert b"the-password" not in b"".join(heard)
