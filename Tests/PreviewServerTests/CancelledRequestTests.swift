import Basics
import CoreAPI
import HTTPTransport
import PreviewControl
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewServer

@Suite("Cancelled requests", .timeLimit(.minutes(10)))
struct CancelledRequestTests {
    @Test func cancellationErrorsAreDistinguishedFromFailures() {
        let cancelled: [any Error] = [CancellationError(), PreviewError.cancelled, AccessDenied.cancelled]
        for error in cancelled { #expect(APIError.isCausedByCancellation(error)) }
        let failed: [any Error] = [
            PreviewError(.clusterUnavailable, "x"), PreviewError(.clusterRefused, "x"), AccessDenied(.unavailable, "x"),
            APIError.replicaIsShuttingDown,
        ]
        for error in failed { #expect(!APIError.isCausedByCancellation(error)) }
    }

    /// The core API is asked for authorization. A caller that disconnects meanwhile gets no error about the core API.
    @Test func aCallerThatLeavesWhileTheCoreAPIIsAskedHasCancelled() async throws {
        let transport = ScriptedTransport(clock: ManualClock(), [.silence])
        let base = try BaseURL("http://core.example")
        let authority = CoreAPIAuthority(CoreAPIClient(base: base, transport: transport), uptime: { .zero })
        let run = try RunID("run-1")
        let call = Task { try await authority.run(run, seenBy: Secret("bearer")) }
        await transport.waitForExchanges(1)
        call.cancel()
        let error = await #expect(throws: AccessDenied.self) { _ = try await call.value }
        #expect(error == .cancelled)
    }
}
