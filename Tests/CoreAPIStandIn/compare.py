#!/usr/bin/env python3
"""Sends the same generated requests to a server directly and through the router, and compares the answers byte for byte.

    compare.py DIRECT-PORT ROUTED-PORT COUNT SEED

Each request is written byte by byte as it was drawn: odd paths, repeated and empty fields, every kind of body. What belongs
to one connection is left aside (RFC 9110 section 7.6.1), and so is what an intermediary has to add. Prints the differences, at
most ten, and ends with 1 where there are any. Only the standard library is used.
"""

import random
import socket
import sys

LEFT_ASIDE = {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "via", "x-request-id"}
PATHS = [
    "", "/", "//", "/./x", "/../x", "/%2e%2e/x", "/%2F", "/a%zz", "/;p=1", "/{x}|^`", "/'\"<>\\",
    "/api/runs/r/stream/", "/API/runs/r/sandbox/preview", "/~user/", "/a:b@c", "/*", "/%00", "/%c3%bc",
]
QUERIES = ["", "?", "??", "?a=b&a=c", "?a=%2e%2e/", "?x={\"y\":[1]}", "?/../", "?a=b;c=d", "?%"]
METHODS = ["GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND", "TRACE"]


def drawn(draw, number):
    """One request: its method, and its bytes in parts that are sent one after the other."""
    method = draw.choice(METHODS)
    path = draw.choice(PATHS) + draw.choice(QUERIES)
    target = f"/any/{number}{path}" if draw.random() < 0.95 else f"/api/runs/r{number}/{draw.choice(['events', 'x', ''])}"
    fields = [("Host", "platform.example.com")]
    for _ in range(draw.randrange(8)):
        name = draw.choice([
            "X-A", "x-a", "Accept", "Accept-Encoding", "Cookie", "User-Agent", "Authorization", "X-Empty", "If-None-Match",
            "Range", "Origin", "traceparent", "Content-Type", "Accept-Language", "Max-Forwards",
        ])
        value = "" if name == "X-Empty" else draw.choice(["a", "a, b", "  padded  ", "*/*", "bytes=0-1", "x" * 300, "ünï", "a;q=\"b,c\""])
        fields.append((name, value))
    if draw.random() < 0.2:
        fields += [("Connection", "keep-alive, X-Gone"), ("X-Gone", "1"), ("Keep-Alive", "timeout=1")]
    body, parts = b"", []
    if method not in ("HEAD", "TRACE") and draw.random() < 0.6:
        body = draw.randbytes(draw.choice([0, 1, 100, 5_000, 100_000]))
        if draw.random() < 0.5:
            fields.append(("Content-Length", str(len(body))))
            parts = [body]
        else:
            fields.append(("Transfer-Encoding", "chunked"))
            rest = body
            while rest:
                size = draw.randrange(1, 30_000)
                parts.append(b"%x\r\n%s\r\n" % (len(rest[:size]), rest[:size]))
                rest = rest[size:]
            parts.append(b"0\r\n\r\n")
    draw.shuffle(fields)
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    return method, [head.encode("utf-8")] + parts


class ConnectionEnded(Exception):
    """The connection ended before the first byte of an answer."""


class Connection:
    def __init__(self, port, resends):
        self.port = port
        self.resends = resends
        self.socket = None
        self.file = None

    def send(self, method, parts):
        # A server may end a kept connection while the next request is on its way (RFC 9112, 9.3.1): it is sent again once.
        # The router announces the end of a connection, so nothing is sent to it again.
        if self.socket is not None and self.resends:
            try:
                return self.exchange(method, parts)
            except (ConnectionEnded, ConnectionError):
                self.close()
        return self.exchange(method, parts)

    def exchange(self, method, parts):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self.file = self.socket.makefile("rb")
        self.socket.sendall(b"".join(parts))
        answer, keeps = self.read(method)
        if not keeps:
            self.close()
        return answer

    def close(self):
        self.file.close()
        self.socket.close()
        self.socket = None

    def read(self, method):
        line = self.file.readline()
        if not line:
            raise ConnectionEnded
        assert line.startswith(b"HTTP/1.1 "), line
        status = int(line.split(b" ")[1])
        fields = self.fields()
        names = {name.lower(): value for name, value in fields}
        keeps = "close" not in names.get("connection", "").lower()
        trailers = []
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif names.get("transfer-encoding", "").lower() == "chunked":
            body, trailers = self.chunked()
        elif "content-length" in names:
            body = self.file.read(int(names["content-length"]))
            assert len(body) == int(names["content-length"]), "the body is short"
        else:
            body, keeps = self.file.read(), False
        nominated = {part.strip().lower() for name, value in fields if name.lower() == "connection" for part in value.split(",")}
        kept = [(name, value) for name, value in fields if name.lower() not in LEFT_ASIDE | nominated]
        return (status, kept, body, trailers), keeps

    def fields(self):
        fields = []
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("utf-8", "surrogateescape").rstrip("\r\n").partition(":")
            fields.append((name, value.strip()))
        return fields

    def chunked(self):
        body = b""
        while size := int(self.file.readline().split(b";")[0], 16):
            part = self.file.read(size)
            assert len(part) == size, "a chunk is short"
            body += part
            self.file.readline()
        return body, self.fields()


def main():
    direct_port, routed_port, count, seed = (int(text) for text in sys.argv[1:5])
    draw = random.Random(seed)
    direct, routed = Connection(direct_port, resends=True), Connection(routed_port, resends=False)
    differences = 0
    for number in range(count):
        method, parts = drawn(draw, number)
        expected, actual = direct.send(method, parts), routed.send(method, parts)
        if expected == actual:
            continue
        differences += 1
        if differences <= 10:
            print(f"request {number}: {parts[0]!r}")
            for what, one, other in zip(("status", "fields", "body", "trailers"), expected, actual):
                if one != other:
                    print(f"  {what}: direct {one!r:.600}\n  {what}: routed {other!r:.600}")
    print(f"{count} requests, {differences} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
