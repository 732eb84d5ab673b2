"""Development servers that check the host of requests, each as it is by default.

Usage: host_checking_app.py KIND PORT, with KIND one of django, trustedhost, werkzeug, vite, webpack, open.
"""
import base64
import hashlib
import http.server
import sys
import urllib.parse

PAGE = b"<h1>the app</h1>"


def django(port):
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.http import HttpResponse
    from django.urls import path

    # With DEBUG and no list Django also takes every name under localhost, which is where these tests have their zone.
    # The middleware that checks the host is among those of every new project.
    settings.configure(
        DEBUG=True,
        ALLOWED_HOSTS=["localhost"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="test",
    )
    global urlpatterns
    urlpatterns = [path("", lambda request: HttpResponse(PAGE))]
    django.setup()
    call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)


def trustedhost(port):
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    async def page(request):
        return HTMLResponse(PAGE)

    middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=["localhost"])]
    uvicorn.run(Starlette(routes=[Route("/", page)], middleware=middleware), host="127.0.0.1", port=port)


def werkzeug(port):
    from werkzeug.serving import run_simple
    from werkzeug.wrappers import Request, Response

    class TrustingRequest(Request):
        trusted_hosts = ["localhost"]

    @TrustingRequest.application
    def app(request):
        return Response(PAGE if request.host else b"", mimetype="text/html")

    run_simple("127.0.0.1", port, app)


class Open(http.server.BaseHTTPRequestHandler):
    """A server that takes any host, without a socket for hot updates."""

    protocol_version = "HTTP/1.1"

    def takes_host(self):
        return True

    def refuse(self, host):
        raise NotImplementedError

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.open_socket()
        elif self.takes_host():
            self.answer(200, PAGE)
        else:
            self.refuse(self.host())

    def open_socket(self):
        self.answer(404, b"")

    def host(self, name="Host"):
        """The host of a field, which is an authority or an origin, without the port."""
        value = self.headers.get(name, "")
        return urllib.parse.urlsplit(value if "://" in value else f"//{value}").hostname or ""

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def upgrade(self, message, protocol=None):
        """Accepts the WebSocket (RFC 6455 section 4.2.2), sends one text message, and closes the connection."""
        magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + magic).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        if protocol:
            self.send_header("Sec-WebSocket-Protocol", protocol)
        self.end_headers()
        self.wfile.write(bytes([0x81, len(message)]) + message)
        self.close_connection = True


def is_local(host):
    """Vite and webpack-dev-server also take subdomains of localhost, where these tests have their zone."""
    return host == "localhost" or host.replace(".", "").isdigit()


class Vite(Open):
    """Vite 6: it checks the host of pages and sockets, and of sockets that a page opens the token in the page."""

    token = "k3yOfThePage"

    def takes_host(self):
        return is_local(self.host())

    def refuse(self, host):
        self.answer(403, f'Blocked request. This host ("{host}") is not allowed.'.encode())

    def open_socket(self):
        tokens = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("token")
        if self.takes_host() and ("Origin" not in self.headers or tokens == [self.token]):
            self.upgrade(b'{"type":"connected"}', "vite-hmr")
        else:
            self.answer(400, b"")


class Webpack(Open):
    """webpack-dev-server 5: it checks the host of pages, and of sockets also the origin, after it has accepted them."""

    def takes_host(self):
        return is_local(self.host())

    def refuse(self, host):
        self.answer(403, b"Invalid Host header")

    def open_socket(self):
        if self.takes_host() and is_local(self.host("Origin")):
            self.upgrade(b'{"type":"hot"}')
        else:
            self.upgrade(b'{"type":"error","data":"Invalid Host/Origin header"}')


def serve(handler, port):
    http.server.ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()


KINDS = {
    "django": django,
    "trustedhost": trustedhost,
    "werkzeug": werkzeug,
    "vite": lambda port: serve(Vite, port),
    "webpack": lambda port: serve(Webpack, port),
    "open": lambda port: serve(Open, port),
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](int(sys.argv[2]))
