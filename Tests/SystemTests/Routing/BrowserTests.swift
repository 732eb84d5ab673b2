import Hummingbird
import Logging
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The Python that has playwright.
private let browserPython =
    TestPrograms.named(by: "BROWSER_PYTHON") ?? TestPrograms.inPackage(".build/devcluster/browser/bin/python")

/// A page in a browser, with the router, the core API, the gateway and an app behind it.
@Suite(
    "The router, in a browser",
    .enabled(
        if: TestPrograms.envoy != nil && browserPython != nil,
        "ENVOY names no Envoy, or BROWSER_PYTHON no Python with playwright beside Chromium: run .ci/setup browser"
    ),
    .timeLimit(.minutes(3))
)
struct BrowserTests {
    /// Browsers resolve every name under `localhost` to the loopback address.
    private static let zone = "browser.localhost"

    @Test func theOwnerApprovesOnThePageAndOpensThePreview() async throws {
        try await CoreAPIStandIn.run(["--key", ServiceUnderTest.key, "--user", ClusterObjects.owner]) { core in
            let settings = ["Agentweaver__ApiBaseUrl": core.url, "Router__Enabled": "true"]
            try await ServiceWithGateway.run(settings: settings, zone: Self.zone) { service, _ in
                try await Self.withApp { app in
                    let (succeeded, output) = try await CoreAPIStandIn.script(
                        "browser.py",
                        [
                            "http://127.0.0.1:\(service.port)", ServiceUnderTest.run, ServiceUnderTest.owner,
                            ServiceUnderTest.key, "\(app)",
                        ],
                        python: try #require(browserPython)
                    )
                    #expect(succeeded, "\(output)")
                }
            }
        }
    }

    /// Serves a page while `body` runs.
    private static func withApp(_ body: @escaping @Sendable (_ port: Int) async throws -> Void) async throws {
        let router = Router()
        router.get("/") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/html; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "<!doctype html><h1>The app in the sandbox</h1>"))
            )
        }
        try await LoopbackServer.run { onRunning in
            Application(
                router: router,
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: onRunning,
                logger: .silent
            )
        } _: { port, _ in
            try await body(port)
        }
    }
}
