import CurlHTTP
import Foundation
import HTTPTransport
import HTTPTypes
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

private enum HostCheckingApps {
    /// The Python that has the servers' packages.
    static let python =
        TestPrograms.named(by: "APPS_PYTHON") ?? TestPrograms.inPackage(".build/devcluster/apps/bin/python")
    /// Whether Debian's Ruby has the part of Rails that checks hosts.
    static let hasRails =
        ((try? FileManager.default.contentsOfDirectory(
            atPath: "/usr/share/rubygems-integration/all/gems"
        )) ?? []).contains { $0.hasPrefix("actionpack-") }
    /// The path of Jupyter's server; `nil` if it is not installed.
    static let jupyter = python.map { $0.replacing(/python$/, with: "jupyter-server") }.flatMap {
        FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil
    }

    /// The command that starts a server of this kind.
    static func command(_ kind: String, port: Int, logFile: String) throws -> ProcessCommand {
        switch kind {
        case "rails":
            return ProcessCommand(
                executable: "/usr/bin/ruby",
                arguments: [ProjectFiles.path("Tests/Scripts/host_checking_app.rb"), "\(port)"],
                logFile: logFile
            )
        case "jupyter", "jupyter with remote access":
            let options = [
                "ServerApp.ip=127.0.0.1", "ServerApp.port=\(port)", "ServerApp.port_retries=0",
                "IdentityProvider.token=",
                "ServerApp.password=", "ServerApp.allow_root=True", "ServerApp.open_browser=False",
                "ServerApp.disable_check_xsrf=True",
                "ServerApp.allow_remote_access=\(kind == "jupyter" ? "False" : "True")",
            ]
            return ProcessCommand(
                executable: try #require(jupyter),
                arguments: options.map { "--\($0)" },
                logFile: logFile
            )
        default:
            return ProcessCommand(
                executable: try #require(python),
                arguments: [ProjectFiles.path("Tests/Scripts/host_checking_app.py"), kind, "\(port)"],
                logFile: logFile
            )
        }
    }
}

/// The whole service with a real Envoy and real development servers, in a zone that none of them allows.
@Suite(
    "Development servers that check the host",
    .enabled(
        if: TestPrograms.envoy != nil && HostCheckingApps.python != nil,
        "ENVOY names no Envoy, or APPS_PYTHON no Python with Django, Starlette and Werkzeug: run .ci/setup apps"
    ),
    .timeLimit(.minutes(3))
)
struct HostCheckingAppTests {
    private static let zone = "preview.localhost"
    private static let startLimit = Duration.seconds(30)

    @Test(arguments: ["django", "trustedhost", "werkzeug", "vite", "webpack"])
    func aServerThatTakesLocalhostOnlyWorksBySettingTheHost(kind: String) async throws {
        try await expectLocalhost(kind)
    }

    @Test(.enabled(if: HostCheckingApps.hasRails, "Ruby has no Rails: run .ci/setup apps"))
    func railsChecksTheForwardedHostTooAndGetsThePublicHostBack() async throws {
        try await withApp("rails") { service, app, _ in
            for choice in ["preserve", nil, "localhost"] {
                let started = try await start(app, choice, service)
                #expect(started["readiness"] == "no_app", "\(started.body)")
                #expect(started["host_header"] == (choice == "localhost" ? "localhost" : "preserve"))
                #expect(started["detail"]?.contains("Rails: config.hosts") == true)
            }
        }
    }

    @Test(.enabled(if: HostCheckingApps.jupyter != nil, "APPS_PYTHON has no Jupyter: run .ci/setup apps"))
    func jupyterWorksBySettingTheHost() async throws {
        // Jupyter's page does not say that it refuses the host.
        try await expectLocalhost("jupyter", preserved: "serving", words: "(403)")
    }

    /// Jupyter compares the host with the Origin of a WebSocket, which in a browser is the public one.
    @Test(
        .enabled(if: HostCheckingApps.jupyter != nil, "APPS_PYTHON has no Jupyter: run .ci/setup apps"),
        arguments: [("jupyter", "localhost", 403), ("jupyter with remote access", "preserve", 101)]
    )
    func webSocketsOfJupyterPassWhereItSeesThePublicHost(kind: String, seen: String, status: Int) async throws {
        try await withApp(kind) { service, app, port in
            let started = try await start(app, nil, service)
            #expect(started["readiness"] == "serving" && started["host_header"] == seen, "\(started.body)")
            if seen == "localhost" { #expect(started["detail"]?.contains("WebSockets") == true) }
            let host = "\(try #require(started["session_id"]))-preview.\(Self.zone)"
            let client = try await RawClient.connect(to: port)
            try await client.send(
                "POST /api/terminals HTTP/1.1\r\nHost: \(host):\(port)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            let made = await client.receive { $0.contains("\r\n\r\n") }
            #expect(made.hasPrefix("HTTP/1.1 200"), "\(made)")
            let upgraded = try await webSocket(host, port, "/terminals/websocket/1") { $0.contains("\r\n\r\n") }
            #expect(upgraded.hasPrefix("HTTP/1.1 \(status)"), "\(upgraded)")
        }
    }

    /// A page that Vite delivers knows the token with which its socket for hot updates is accepted, also from the public
    /// origin. webpack-dev-server compares the origin, so that its pages are not updated while it sees localhost.
    @Test(arguments: [
        ("vite", "/?token=k3yOfThePage", "HTTP/1.1 101", "connected"),
        ("vite", "/?token=other", "HTTP/1.1 400", "Bad Request"),
        ("webpack", "/ws", "HTTP/1.1 101", "Invalid Host/Origin header"),
    ])
    func socketsForHotUpdatesReachTheApp(kind: String, path: String, status: String, message: String) async throws {
        try await withApp(kind) { service, app, port in
            let started = try await start(app, nil, service)
            #expect(started["readiness"] == "serving" && started["host_header"] == "localhost", "\(started.body)")
            #expect(started["detail"]?.contains("WebSockets") == true, "\(started.body)")
            let host = "\(try #require(started["session_id"]))-preview.\(Self.zone)"
            let answer = try await webSocket(host, port, path, protocol: kind == "vite" ? "vite-hmr" : nil) {
                $0.contains("\r\n\r\n") && $0.contains(message)
            }
            #expect(answer.hasPrefix(status) && answer.contains(message), "\(answer)")
        }
    }

    /// Opens a WebSocket as a page of the preview does, and reads until `isComplete` is true of what was received.
    private func webSocket(
        _ host: String,
        _ port: Int,
        _ path: String,
        protocol name: String? = nil,
        until isComplete: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        let client = try await RawClient.connect(to: port)
        try await client.send(
            """
            GET \(path) HTTP/1.1\r
            Host: \(host):\(port)\r
            Origin: http://\(host):\(port)\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            \(name.map { "Sec-WebSocket-Protocol: \($0)\r\n" } ?? "")\r

            """
        )
        return await client.receive(until: isComplete)
    }

    private func expectLocalhost(
        _ kind: String,
        preserved word: String = "no_app",
        words: String = "allowed hosts"
    ) async throws {
        try await withApp(kind) { service, app, _ in
            let preserved = try await start(app, "preserve", service)
            #expect(preserved["readiness"] == word && preserved["host_header"] == "preserve", "\(preserved.body)")
            #expect(preserved["detail"]?.contains(words) == true)
            let automatic = try await start(app, nil, service)
            #expect(automatic["readiness"] == "serving", "\(automatic.body)")
            #expect(automatic["host_header"] == "localhost")
            let local = try await start(app, "localhost", service)
            #expect(local["readiness"] == "serving" && local["host_header"] == "localhost", "\(local.body)")
        }
    }

    @Test func aServerThatTakesAnyHostSeesThePublicOneAndAnswersAreKeptPrivate() async throws {
        try await withApp("open") { service, app, port in
            let started = try await start(app, nil, service)
            #expect(started["readiness"] == "serving" && started["host_header"] == "preserve")
            let token = try #require(started["session_id"])
            let transport = try CurlTransport()
            let head = HTTPRequest(
                method: .get,
                scheme: "http",
                authority: "\(token)-preview.\(Self.zone):\(port)",
                path: "/"
            )
            let answer = try await transport.collect(.init(head: head, timeout: .seconds(5)), maxBodyBytes: 65_536)
            await transport.shutdown()
            let fields = answer.head.headerFields
            #expect(fields[values: try #require(HTTPField.Name("x-robots-tag"))] == ["noindex"])
            #expect(fields[values: try #require(HTTPField.Name("referrer-policy"))] == ["no-referrer"])
        }
    }

    private func start(
        _ port: Int,
        _ host: String?,
        _ service: ServiceUnderTest
    ) async throws -> ServiceUnderTest.Response {
        let choice = host.map { #", "host_header": "\#($0)""# } ?? ""
        return try await service.startPreview(port: port, members: choice)
    }

    private func withApp(
        _ kind: String,
        _ body: @escaping @Sendable (ServiceUnderTest, _ appPort: Int, _ gatewayPort: Int) async throws -> Void
    ) async throws {
        let port = try ListenerPorts.free()
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let command = try HostCheckingApps.command(kind, port: port, logFile: folder.file("app.log"))
        try await withBackground(kind) {
            _ = try await ChildProcess(watchdog: nil).run(command)
        } body: {
            let listens: Bool? = try await poll(every: .milliseconds(20), limit: Self.startLimit) {
                Sockets.accepts(address: "127.0.0.1", port: port) ? true : nil
            }
            #expect(listens == true)
            try await ServiceWithGateway.run(zone: Self.zone) { service, gatewayPort in
                try await body(service, port, gatewayPort)
            }
        }
    }
}
