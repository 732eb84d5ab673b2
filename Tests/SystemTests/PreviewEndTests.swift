import CurlHTTP
import HTTPTypes
import Logging
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewCommands

/// The whole service with a real Envoy: how long connections through a preview stay open after it has ended.
@Suite(
    "Open connections of a preview that ends",
    .enabled(if: TestPrograms.envoy != nil, "ENVOY names no Envoy"),
    .timeLimit(.minutes(2))
)
struct PreviewEndTests {
    private static let previews = "/api/runs/\(ServiceUnderTest.run)/sandbox/port-forward"
    private static let zone = "localhost"

    /// How a preview ends.
    enum End: Sendable, CaseIterable {
        case stop, idle, cap

        /// The annotation that ends the preview when it is set to an instant in the past; `nil` for a stop.
        var annotation: String? {
            switch self {
            case .stop: nil
            case .idle: PreviewAnnotations.Key.expiresAt
            case .cap: PreviewAnnotations.Key.maxUntil
            }
        }
    }

    /// How long a connection may stay open, 0.2 minutes.
    private static let limit = Duration.seconds(12)
    /// Envoy gives a client one second to close first; a busy machine needs more.
    private static let latitude = Duration.seconds(20)

    @Test(arguments: End.allCases)
    func nothingStaysOpenForLongerThanItsLimit(end: End) async throws {
        try await StreamingApp.run { app in
            try await withGateway { service, port in
                let token = try #require(try await service.startPreview(port: app.port)["session_id"])
                let host = "\(token)-preview.\(Self.zone)"
                let connections = try await [
                    OpenConnection(.webSocket, to: app, host: host, port: port),
                    OpenConnection(.eventStream, to: app, host: host, port: port),
                ]
                try await self.end(token, by: end, service)
                let isGone: Bool? = try await poll(every: .milliseconds(10), limit: Self.latitude) {
                    service.previewObjects.isEmpty ? true : nil
                }
                #expect(isGone == true)
                // The preview's objects are gone, and the connections still work.
                for connection in connections { #expect(await connection.passesBytes()) }
                for connection in connections {
                    let time = await connection.timeUntilEnd()
                    #expect(time >= Self.limit - .milliseconds(100))
                    #expect(time < Self.limit + Self.latitude)
                }
                await #expect(throws: OpenConnection.Refused.self) {
                    _ = try await OpenConnection(.webSocket, to: app, host: host, port: port)
                }
            }
        }
    }

    // MARK: Set-up

    private func end(_ token: String, by end: End, _ service: ServiceUnderTest) async throws {
        guard let annotation = end.annotation else {
            #expect(try await service.call(.delete, "\(Self.previews)/\(token)").status == 200)
            return
        }
        try service.store.update(
            .httpRoutes,
            namespace: ClusterObjects.namespace,
            name: "preview-\(token)"
        ) { $0["metadata", "annotations", annotation] = "2026-01-01T00:00:00Z" }
    }

    private func withGateway(
        _ body: @escaping @Sendable (ServiceUnderTest, Int) async throws -> Void
    ) async throws {
        try await ServiceWithGateway.run(
            settings: [
                "Sandbox__Preview__MaxConnectionMinutes": "0.2", "Sandbox__Preview__OutageGraceSeconds": "0",
            ],
            zone: Self.zone,
            body
        )
    }
}
