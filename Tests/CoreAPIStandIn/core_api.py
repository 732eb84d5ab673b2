#!/usr/bin/env python3
"""A core API for tests: what this service needs of the platform's, and every way in which an HTTP server can behave.

Only the standard library is used, and no code of the service: a mistake in its HTTP cannot hide in both. It listens on
127.0.0.1 and prints its port as the first line of its output. It ends upon a signal.

    core_api.py [--port N] [--key SERVICE-KEY] [--owner BEARER] [--user NAME] [--parent CHILD=RUN]

Like the platform's: runs and who may see them (403 for the service key), the run's event stream with ids and resume, no route to
post events (405), decisions and the option for runs in progress (409 otherwise). Beyond that, for tests:

    /any/{seed}?…            an answer drawn from the seed, with a digest of the request as it arrived
    /upload                  the length and digest of the body, and how it was framed
    /download/{bytes}        a body of that length; ?chunked=1 in chunks
    /slow/{milliseconds}     answers after that time
    /break/{where}           breaks off: head, length, chunks, close, reset, garbage
    /continue                refuses a body before it is sent (417), or takes it with 100 Continue
    /trailers                chunks and trailers
    /app                     the page of a front end, page.html
    /state                   counts of requests, open exchanges, and exchanges whose client left
"""

import argparse
import asyncio
import hashlib
import json
import pathlib
import random
import resource
import socket
import struct

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
OF_INTERMEDIARIES = {"host", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id", "expect"}
MAX_HEAD_BYTES = 64 * 1024
PATTERN = bytes(range(256)) * 256


class ClientLeft(Exception):
    pass


class State:
    def __init__(self, key, owner, user, parents):
        self.key = key
        self.user = user
        self.owner = owner
        self.parents = parents
        self.requests = 0
        self.open = 0
        self.left = 0
        self.connections = 0
        self.options = {}
        self.ended = set()
        self.ends = {}
        self.events = {}
        self.last = {}

    def run(self, name):
        return {
            "id": name, "status": "completed" if name in self.ended else "in_progress", "submitting_user": self.user,
            "parent_run_id": self.parents.get(name), "auto_approve_tools": self.options.get(name, False),
        }


class Request:
    def __init__(self, method, target, fields):
        self.method = method
        self.target = target
        self.fields = fields
        self.path, _, query = target.partition("?")
        self.query = dict(part.partition("=")[::2] for part in query.split("&") if part)
        self.body = None

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    @property
    def framing(self):
        if self.get("transfer-encoding"):
            return "chunked"
        length = self.get("content-length")
        return "none" if length is None else f"length {length}"


class Exchange:
    """One request and its answer, on one connection."""

    def __init__(self, reader, writer, request, state):
        self.reader = reader
        self.writer = writer
        self.request = request
        self.state = state
        self.keep = True
        self.body_read = request.framing in ("none", "length 0")

    async def chunks(self):
        """The request's body, as it comes."""
        if self.body_read:
            return
        self.body_read = True
        if (self.request.get("expect") or "").lower() == "100-continue":
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.request.framing == "chunked":
            while True:
                line = await self.reader.readline()
                if not line.endswith(b"\r\n"):
                    raise ClientLeft()
                size = int(line.split(b";")[0], 16)
                if size == 0:
                    while (await self.reader.readline()) not in (b"\r\n", b""):
                        pass
                    return
                yield await self.reader.readexactly(size)
                await self.reader.readexactly(2)
        else:
            left = int(self.request.get("content-length"))
            while left:
                part = await self.reader.read(min(left, 1 << 16))
                if not part:
                    raise ClientLeft()
                left -= len(part)
                yield part

    async def body(self):
        return b"".join([part async for part in self.chunks()])

    def head(self, status, fields, reason="Whatever"):
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in fields]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8"))

    async def send(self, data):
        if self.writer.is_closing():
            raise ClientLeft()
        self.writer.write(data)
        await self.writer.drain()

    async def chunk(self, data):
        if data:
            await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def answer(self, status, body=b"", fields=(), kind="application/json"):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        fields = [("Content-Type", kind), ("Content-Length", str(len(body)))] + list(fields)
        self.head(status, fields)
        await self.send(b"" if self.request.method == "HEAD" else body)

    async def pause(self, seconds, event=None):
        """Waits, or until the event, unless the client leaves before."""
        left = asyncio.ensure_future(self.reader.read(1))
        ends = {left} | ({asyncio.ensure_future(event.wait())} if event else set())
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if left.done():
            raise ClientLeft()
        for end in ends:
            end.cancel()
        await asyncio.wait(ends)


async def respond(x):
    """Answers one request."""
    parts = x.request.path.split("/")[1:]
    if parts[0] == "any":
        return await drawn(x, parts[1])
    if parts[0] == "upload":
        return await upload(x)
    if parts[0] == "download":
        return await download(x, int(parts[1]))
    if parts[0] == "slow":
        await x.pause(int(parts[1]) / 1000)
        return await x.answer(200, {"slow": True})
    if parts[0] == "break":
        return await break_off(x, parts[1])
    if parts[0] == "continue":
        return await continued(x)
    if parts[0] == "trailers":
        return await trailers(x)
    if parts[0] == "app":
        page = pathlib.Path(__file__).with_name("page.html").read_bytes()
        return await x.answer(200, page, kind="text/html; charset=utf-8")
    if parts[0] == "state":
        state = x.state
        return await x.answer(200, {
            "requests": state.requests, "open": state.open - 1, "left": state.left, "connections": state.connections,
            "last": state.last,
        })
    if parts[:2] == ["api", "runs"] and len(parts) >= 3:
        return await run(x, parts[2], "/".join(parts[3:]))
    await x.answer(404, {"error": "There is no such route.", "target": x.request.target})


def digest_of(request, body):
    """A digest of everything that an intermediary has to leave as it is."""
    nominated = {part.strip().lower() for value in request.all("connection") for part in value.split(",")}
    fields = [
        (name.lower(), value) for name, value in request.fields
        if name.lower() not in HOP_BY_HOP | OF_INTERMEDIARIES | nominated
    ]
    # The order counts among fields of one name only (RFC 9110 section 5.3).
    fields.sort(key=lambda field: field[0])
    text = repr((request.method, request.target, fields, request.framing, hashlib.sha256(body).hexdigest()))
    return hashlib.sha256(text.encode()).hexdigest(), text


async def drawn(x, seed):
    body = await x.body()
    digest, text = digest_of(x.request, body)
    draw = random.Random(seed)
    status = draw.choice([200, 200, 200, 201, 202, 204, 206, 301, 304, 400, 401, 404, 409, 418, 422, 429, 500, 503, 599])
    fields = [("X-Digest", digest)]
    for _ in range(draw.randrange(6)):
        name = draw.choice(["X-One", "x-two", "Set-Cookie", "ETag", "Cache-Control", "X-Empty", "Retry-After", "WWW-Authenticate"])
        fields.append((name, "" if name == "X-Empty" else f"{draw.choice(['a=1', '*/*; q=0.5', 'W/x', 'no-store', 'ünï'])}{draw.randrange(9)}"))
    if draw.random() < 0.7:
        fields.append(("Date", "Thu, 01 Jan 1970 00:00:0%d GMT" % draw.randrange(10)))
    if draw.random() < 0.2:
        fields += [("Connection", "X-Hop"), ("X-Hop", "dropped"), ("Keep-Alive", "timeout=5")]
    content = draw.randbytes(draw.choice([0, 1, 17, 1000, 5000, 70_000]))
    fields.append(("Content-Type", draw.choice(["application/json", "text/html; charset=utf-8", "application/octet-stream"])))
    has_body = x.request.method != "HEAD" and status not in (204, 304)
    kind = draw.choice(["length", "length", "chunked", "trailers", "close"])
    if status in (204, 304):
        x.head(status, fields)
        return
    if kind == "length":
        x.head(status, fields + [("Content-Length", str(len(content)))], draw.choice(["Fine", "Not so fine"]))
        await x.send(content if has_body else b"")
        return
    if kind == "close":
        x.keep = False
        x.head(status, fields + [("Connection", "close")])
        await x.send(content if has_body else b"")
        return
    x.head(status, fields + [("Transfer-Encoding", "chunked")])
    if not has_body:
        return
    while content:
        size = draw.randrange(1, 20_000)
        await x.chunk(content[:size])
        content = content[size:]
    await x.send(b"0\r\nX-Sum: %s\r\n\r\n" % digest[:8].encode() if kind == "trailers" else b"0\r\n\r\n")


async def upload(x):
    digest, length = hashlib.sha256(), 0
    async for part in x.chunks():
        digest.update(part)
        length += len(part)
        pause = float(x.request.query.get("pause", "0"))
        if pause:
            await asyncio.sleep(pause)
    x.state.last = {"upload": length}
    await x.answer(200, {"length": length, "sha256": digest.hexdigest(), "framing": x.request.framing})


async def download(x, size):
    chunked = "chunked" in x.request.query
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))
    x.head(200, [("Content-Type", "application/octet-stream"), framing])
    if x.request.method == "HEAD":
        return
    while size:
        part = PATTERN[: min(size, len(PATTERN))]
        await (x.chunk(part) if chunked else x.send(part))
        size -= len(part)
    if chunked:
        await x.send(b"0\r\n\r\n")


async def break_off(x, where):
    x.keep = False
    await x.body()
    if where == "garbage":
        await x.send(b"this is no HTTP\r\n\r\n")
    elif where == "length":
        x.head(200, [("Content-Length", "1000")])
        await x.send(b"x" * 500)
    elif where == "chunks":
        x.head(200, [("Transfer-Encoding", "chunked")])
        await x.chunk(b"x" * 500)
    elif where == "reset":
        x.head(200, [("Content-Length", "1000")])
        await x.send(b"x" * 500)
        # With a linger time of zero the kernel sends RST.
        x.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        x.writer.transport.abort()


async def continued(x):
    if "refuse" in x.request.query:
        x.keep = False
        return await x.answer(417, {"error": "The body is not wanted."}, [("Connection", "close")])
    body = await x.body()
    await x.answer(200, {"length": len(body), "expect": x.request.get("expect")})


async def trailers(x):
    x.head(200, [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"), ("X-TE", x.request.get("te", "none"))])
    await x.chunk(b"hello")
    await x.send(b"0\r\nX-Sum: 5\r\nX-More: 6\r\n\r\n")


async def run(x, name, rest):
    bearer = (x.request.get("authorization") or "").removeprefix("Bearer ")
    if x.state.key and bearer == x.state.key:
        return await x.answer(403, {"error": "The service key may not see a human's run."})
    if x.state.owner and bearer != x.state.owner:
        return await x.answer(401 if not bearer else 404, {"error": "There is no such run."})
    method = x.request.method
    if rest == "" and method == "GET":
        return await x.answer(200, x.state.run(name))
    if rest == "stream" and method == "GET":
        return await stream(x, name)
    if rest == "events":
        if method != "GET":
            return await x.answer(405, {"error": "Events cannot be posted."}, [("Allow", "GET")])
        return await x.answer(200, [event for event in x.state.events.get(name, [])])
    if rest in ("tool-approvals", "tool-denials", "auto-approve") and method == "POST":
        return await decide(x, name, rest)
    if rest == "end" and method == "POST":
        x.state.ended.add(name)
        x.state.ends.setdefault(name, asyncio.Event()).set()
        return await x.answer(200, {})
    await x.answer(404, {"error": "There is no such route.", "target": x.request.target})


async def decide(x, name, route):
    try:
        body = json.loads(await x.body())
    except ValueError:
        return await x.answer(400, {"error": "The body is not JSON."})
    x.state.last = {"route": route, "body": body, "authorization": x.request.get("authorization")}
    if name in x.state.ended:
        return await x.answer(409, {"error": "The run is not in progress."})
    if route == "auto-approve":
        x.state.options[name] = bool(body.get("enabled"))
        return await x.answer(200, {"run_id": name, "auto_approve_tools": x.state.options[name]})
    if body.get("request_id") != "core-request":
        return await x.answer(404, {"error": "No approval with this id is pending."})
    done = "approved" if route == "tool-approvals" else "denied"
    await x.answer(200, {"run_id": name, "request_id": body["request_id"], done: True})


async def stream(x, name):
    """Events with ids; resumes after Last-Event-ID. Query: count, interval (ms), cut (bytes a chunk), hold=1 (until the run ends)."""
    query = x.request.query
    count, interval = int(query.get("count", "5")), int(query.get("interval", "0")) / 1000
    cut = int(query.get("cut", "0"))
    first = int(x.request.get("last-event-id") or 0) + 1
    x.head(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"), ("Transfer-Encoding", "chunked")])

    async def write(text):
        data = text.encode()
        size = cut or len(data)
        for start in range(0, len(data), size):
            await x.chunk(data[start:start + size])
            if cut:
                await asyncio.sleep(0)

    await x.send(b"")
    for number in range(first, count + 1):
        data = json.dumps({"runId": name, "sequence": number, "text": "ünï"}, ensure_ascii=False)
        await write(f"id: {number}\nevent: run.step\ndata: {data}\n\n")
        if interval:
            await asyncio.sleep(interval)
    if "hold" in query:
        await x.pause(None, x.state.ends.setdefault(name, asyncio.Event()))
    await write('event: done\ndata: {"status":"completed"}\n\n')
    await x.send(b"0\r\n\r\n")


async def serve(reader, writer, state):
    state.connections += 1
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("utf-8").split("\r\n")[:-2]
            method, target, _ = lines[0].split(" ")
            fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
            request = Request(method, target, fields)
            exchange = Exchange(reader, writer, request, state)
            state.requests += 1
            state.open += 1
            try:
                await respond(exchange)
                await writer.drain()
                if exchange.keep and not request.get("expect"):
                    await exchange.body()
            except (ClientLeft, ConnectionError, asyncio.IncompleteReadError):
                state.left += 1
                return
            finally:
                state.open -= 1
            wants_close = "close" in (request.get("connection") or "").lower()
            if not exchange.keep or wants_close or not exchange.body_read:
                return
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
        pass
    finally:
        state.connections -= 1
        writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="")
    parser.add_argument("--owner", default="")
    parser.add_argument("--user", default="ada")
    parser.add_argument("--parent", action="append", default=[])
    arguments = parser.parse_args()
    # Every stream is a connection.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    state = State(arguments.key, arguments.owner, arguments.user, dict(pair.split("=") for pair in arguments.parent))

    def accept(reader, writer):
        return serve(reader, writer, state)

    server = await asyncio.start_server(accept, "127.0.0.1", arguments.port, backlog=2048, limit=MAX_HEAD_BYTES)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
