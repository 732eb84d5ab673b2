import DevCluster
import FoundationEssentials
import HTTPTypes
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewCommands

/// A preview whose viewer keeps pinging survives an outage. The whole service runs with times that are short, but long
/// compared with the pauses of a busy machine.
@Suite("Outages of the API server and of the service", .timeLimit(.minutes(4)))
struct OutageTests {
    private static let idle = Duration.seconds(8)
    private static let grace = Duration.seconds(8)
    /// The interval between the viewer's pings: as short relative to the idle time-out as with the default times.
    private static let pingInterval = Duration.milliseconds(200)
    /// The time until the viewer's first ping after an outage: longer than a replica without a grace period waits.
    private static let returnPause = Duration.seconds(3)
    private static let settings = [
        "Sandbox__Preview__IdleTimeoutMinutes": "\(idle / .seconds(60))",
        "Sandbox__Preview__OutageGraceSeconds": "\(grace / .seconds(1))",
        "Sandbox__Preview__SweepIntervalSeconds": "1",
    ]

    private func start(_ service: ServiceUnderTest) async throws -> String {
        try service.addSandbox()
        let path = "/api/runs/\(ServiceUnderTest.run)/sandbox/port-forward"
        var answer = try await service.call(.post, path, body: #"{"target_port": 3000}"#)
        // A replica is ready before it may start previews.
        while answer.status == 503 { answer = try await service.call(.post, path, body: #"{"target_port": 3000}"#) }
        return try #require(answer["session_id"])
    }

    private func ping(_ token: String, _ service: ServiceUnderTest) async throws -> Int {
        try await service.call(.post, "/api/runs/\(ServiceUnderTest.run)/sandbox/preview/\(token)/keepalive").status
    }

    /// Pings for this long, as a viewer does.
    ///
    /// - Returns: The statuses of the answers.
    private func ping(_ token: String, for duration: Duration, _ service: ServiceUnderTest) async throws -> Set<Int> {
        let clock = ContinuousClock()
        let end = clock.now + duration
        var statuses: Set<Int> = []
        while clock.now < end {
            statuses.insert(try await ping(token, service))
            try await clock.sleep(for: Self.pingInterval)
        }
        return statuses
    }

    /// Makes every request to the API server fail from now on.
    private func disconnectAPIServer(of service: ServiceUnderTest) {
        service.server.faults.add(.init(times: nil, fault: .drop))
    }

    @Test func aPreviewInUseSurvivesAnAPIServerThatIsAwayForLongerThanItsIdleTimeout() async throws {
        try await ServiceUnderTest.run(settings: Self.settings) { service in
            let token = try await start(service)
            disconnectAPIServer(of: service)
            #expect(try await ping(token, for: Self.idle * 2, service).contains(503))
            service.server.faults.clear()
            try await ContinuousClock().sleep(for: Self.returnPause)
            // The next pings revive the preview, which then continues as before.
            let statuses = try await ping(token, for: Self.grace + Self.idle, service)
            #expect(statuses.isSubset(of: [200, 503]), "404 is the end of the preview")
            #expect(try await ping(token, service) == 200)
            #expect(service.previewObjects.count == 2)
        }
    }

    /// Shows that the preview of the test above survives because of the grace period.
    @Test func withoutAGraceTheSameOutageEndsIt() async throws {
        let settings = Self.settings.merging(["Sandbox__Preview__OutageGraceSeconds": "0"]) { $1 }
        try await ServiceUnderTest.run(settings: settings) { service in
            let token = try await start(service)
            disconnectAPIServer(of: service)
            _ = try await ping(token, for: Self.idle * 2, service)
            service.server.faults.clear()
            await waitUntil { service.previewObjects.isEmpty }
            #expect(try await ping(token, service) == 404)
        }
    }

    @Test func aPreviewWithoutPingsAfterAnOutageIsReapedWithinTwoSecondsOfTheGrace() async throws {
        try await ServiceUnderTest.run(settings: Self.settings) { service in
            let token = try await start(service)
            disconnectAPIServer(of: service)
            _ = try await ping(token, for: Self.idle * 2, service)
            service.server.faults.clear()
            let back = ContinuousClock.now
            await waitUntil { service.previewObjects.isEmpty }
            let lived = ContinuousClock.now - back
            // The last lost ping was up to one interval earlier.
            #expect(lived > Self.grace - Self.pingInterval * 3)
            #expect(lived < Self.grace + .seconds(2))
        }
    }

    @Test func aPreviewInUseSurvivesThatAllReplicasAreDownForLongerThanItsIdleTimeout() async throws {
        try await ServiceUnderTest.run(settings: Self.settings) { service in
            let token = try await start(service)
            try await service.replaced(after: Self.idle * 1.5) { next in
                let first = try await ping(token, next)
                let later = try await ping(token, for: Self.grace + Self.idle, next)
                #expect(first == 200 && later == [200])
                #expect(next.previewObjects.count == 2)
            }
        }
    }
}
