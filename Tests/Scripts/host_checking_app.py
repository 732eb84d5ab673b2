"""Development servers that check the host of requests, each as it is by default.

Usage: host_checking_app.py KIND PORT, with KIND one of django, trustedhost, werkzeug, vite, open.
"""
import http.server
import sys

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


class Vite(http.server.BaseHTTPRequestHandler):
    """The check of Vite: localhost, its subdomains and addresses pass."""

    checks = True

    def do_GET(self):
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        allowed = not self.checks or host == "localhost" or host.replace(".", "").isdigit()
        body = PAGE if allowed else f'Blocked request. This host ("{host}") is not allowed.'.encode()
        self.send_response(200 if allowed else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Open(Vite):
    checks = False


def serve(handler, port):
    http.server.ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()


KINDS = {
    "django": django,
    "trustedhost": trustedhost,
    "werkzeug": werkzeug,
    "vite": lambda port: serve(Vite, port),
    "open": lambda port: serve(Open, port),
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](int(sys.argv[2]))
