import DevCluster
import HTTPTransport
import HTTPTypes
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport
import Testing

@testable import PreviewControl

/// A cluster that does not respond, at all or on the open connections.
@Suite("A cluster that stops responding", .timeLimit(.minutes(10)))
struct SilentClusterTests {
    /// The longest time that a caller may wait.
    private static let longestWait = Duration.seconds(10)

    private static let operations: [String: @Sendable (Replica, RunID, PreviewToken) async throws -> Void] = [
        "start": { replica, run, _ in _ = try await replica.start(run) },
        "keepalive": { replica, run, token in _ = try await replica.previews.keepAlive(run: run, token: token) },
        "stop": { replica, run, token in try await replica.previews.stop(run: run, token: token) },
        "list": { replica, run, _ in _ = try await replica.previews.list(run: run) },
    ]

    @Test(
        "A caller gets an error within 10 s, whichever request hangs",
        arguments: operations.keys.sorted(),
        [HTTPRequest.Method.get, .post, .patch, .delete]
    )
    func aCallerGetsAnErrorWithinTenSeconds(operation name: String, method: HTTPRequest.Method) async throws {
        let run = try RunID.testing()
        let clock = ManualClock()
        // Everything hangs from the first request of this method on.
        let hangsFrom = Mutex<HTTPRequest.Method?>(nil)
        let isStalled = Mutex(false)
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let isHanging: @Sendable (HTTPRequest) -> Bool = { request in
                isStalled.withLock { isStalled in
                    isStalled = isStalled || hangsFrom.withLock { $0 } == request.method
                    return isStalled
                }
            }
            let stalling: @Sendable (any HTTPTransport) -> any HTTPTransport = {
                StallingTransport($0, clock: clock, isStalled: isHanging)
            }
            let replica = try await Replica(cluster, clock: clock, wrap: stalling)
            let token = try await replica.start(run)
            try cluster.setExpiry(of: token, in: .seconds(600))
            let operation = try #require(Self.operations[name])
            hangsFrom.withLock { $0 = method }
            let began = clock.now
            do {
                try await operation(replica, run, token)
                #expect(!isStalled.withLock { $0 })
            } catch let error as PreviewError {
                #expect(error.kind == .clusterUnavailable)
                #expect(isStalled.withLock { $0 })
            }
            #expect(began.duration(to: clock.now) <= Self.longestWait)
        }
    }

    @Test("Requests and watches continue on new connections if the open ones are dead")
    func requestsAndWatchesContinueOnNewConnections() async throws {
        let runs = [try RunID.testing(1), try RunID.testing(2)]
        try await TestCluster.run { cluster in
            for run in runs { try cluster.addSandbox(for: run) }
            let port = try #require(try await cluster.server.address().split(separator: ":").last.flatMap { Int($0) })
            try await MutingProxy.run(to: port) { proxy in
                let replica = try await Replica(
                    cluster,
                    attemptTimeout: .seconds(1),
                    proxy: proxy,
                    maxSilence: .milliseconds(200)
                )
                try await replica.whileWatching {
                    let token = try await replica.start(runs[0])
                    // The next keepalive must write.
                    try cluster.setExpiry(of: token, in: .seconds(600))
                    let soon = cluster.now + .seconds(700)
                    await waitUntil { replica.mirror.lastSeenRoute(token)?.expiresAt.map { $0 < soon } == true }
                    proxy.muteOpenConnections()
                    // The first write may be lost with its connection; its caller gets an error.
                    var failures = 0
                    while (try? await replica.previews.keepAlive(run: runs[0], token: token)) == nil { failures += 1 }
                    #expect(failures <= 1)
                    let second = try await replica.start(runs[1])
                    // A dead watch differs from a quiet one only in that other connections work.
                    await waitUntil { replica.mirror.lastSeenRoute(second) != nil && replica.mirror.isFresh }
                }
            }
        }
    }
}
