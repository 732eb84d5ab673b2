import DevCluster
import HTTPTransport
import HTTPTypes
import PreviewDomain
import ServiceLifecycle
import TestSupport
import Testing

@testable import PreviewCommands

@Suite("Graceful shutdown of a replica", .timeLimit(.minutes(1)))
struct GracefulShutdownTests {
    private let start = "/api/runs/\(ServiceUnderTest.run)/sandbox/port-forward"
    private let agentStart = "/api/runs/\(ServiceUnderTest.run)/sandbox/preview"
    private let body = #"{"target_port": 3000}"#

    @Test func aStartThatIsUnderWayIsFinished() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let latch = Latch()
            service.server.faults.add(.init(verb: "create", resource: "httproutes", fault: .hold(latch)))
            async let answer = service.call(.post, start, body: body)
            await latch.waitForArrival()
            await service.services.triggerGracefulShutdown()
            // New connections are refused.
            await waitUntil { !Self.canConnect(service.port) }
            latch.open()
            let started = try await answer
            #expect(started.status == 200)
            #expect(started.headers[.connection] == "close")
            #expect(service.previewObjects.count == 2)
        }
    }

    @Test func aCallerWhoWaitsForApprovalIsSentToAnotherReplicaAndItsRequestStays() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            async let answer = service.call(.post, agentStart, body: body, bearer: ServiceUnderTest.key)
            await waitUntil { service.hasPendingApproval }
            await service.services.triggerGracefulShutdown()
            let told = try await answer
            #expect(told.status == 503)
            #expect(told.headers[.retryAfter] == "0")
            #expect(service.hasPendingApproval)
            #expect(service.previewObjects.isEmpty)
        }
    }

    @Test func aStartThatExceedsTheShutdownTimeoutIsRolledBack() async throws {
        try await ServiceUnderTest.run {
            $0.shutdownTimeout = .milliseconds(100)
        } _: { service in
            try service.addSandbox()
            service.server.faults.add(.init(verb: "create", resource: "httproutes", fault: .hang))
            async let answer = service.call(.post, start, body: body)
            await waitUntil { service.previewObjects.count == 1 }
            await service.services.triggerGracefulShutdown()
            do {
                let told = try await answer
                #expect(told.status == 503)
            } catch is TransportError {
                // The connection was closed before the response.
            }
            await waitUntil { service.previewObjects.isEmpty }
        }
    }

    private static func canConnect(_ port: Int) -> Bool {
        Sockets.accepts(address: "127.0.0.1", port: port)
    }
}

extension ServiceUnderTest {
    fileprivate var hasPendingApproval: Bool {
        store.list(.sandboxClaims).items.contains { claim in
            claim["metadata", "annotations"]?.objectValue?.contains { key, value in
                key.contains("/approval.") && value.stringValue?.contains("pending") == true
            } == true
        }
    }
}
