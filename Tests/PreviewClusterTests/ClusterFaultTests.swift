import Basics
import DevCluster
import FoundationEssentials
import PreviewDomain
import Testing

@testable import PreviewControl

/// Every fault at every request of every operation leads to an error with one clear sentence, and leaves nothing
/// half-made.
@Suite("Faults of the API server", .timeLimit(.minutes(10)))
struct ClusterFaultTests {
    static let startSteps = [
        Step(verb: "get", resource: "sandboxclaims"), Step(verb: "get", resource: "sandboxes"),
        Step(verb: "get", resource: "pods"), Step(verb: "list", resource: "httproutes"),
        Step(verb: "create", resource: "services"), Step(verb: "create", resource: "httproutes"),
        Step(verb: "list", resource: "httproutes", hasService: true),
    ]

    @Test("A fault at any request of a start is reported and leaves nothing", arguments: startSteps)
    func aFaultInAStartIsReportedAndLeavesNothing(step: Step) async throws {
        try await TestCluster.run { cluster in
            let replica = try await Replica(cluster)
            for (number, fault) in ClusterFault.allCases.enumerated() {
                let run = try RunID.testing(number)
                try cluster.addSandbox(for: run)
                step.meets(fault.fault, on: cluster)
                let error = await error("\(fault) at \(step)") { _ = try await replica.start(run) }
                expectUnavailable(error, fault, step)
                #expect(cluster.previewObjects.isEmpty, "\(fault) at \(step)")
                cluster.faults.clear()
                // The fault was the only obstacle: without it the start succeeds.
                let token = try await replica.start(run)
                try await replica.previews.stop(run: run, token: token)
            }
        }
    }

    @Test(
        "A fault at any request of a keepalive is reported",
        arguments: [Step(verb: "get", resource: "httproutes"), Step(verb: "patch", resource: "httproutes")]
    )
    func aFaultInAKeepaliveIsReported(step: Step) async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            let token = try await replica.start(run)
            for fault in ClusterFault.allCases {
                try cluster.setExpiry(of: token, in: .seconds(600))
                step.meets(fault.fault, on: cluster)
                let error = await error("\(fault) at \(step)") {
                    _ = try await replica.previews.keepAlive(run: run, token: token)
                }
                expectUnavailable(error, fault, step)
                #expect(cluster.previewObjects.count == 2, "\(fault) at \(step)")
                cluster.faults.clear()
                let kept = try await replica.previews.keepAlive(run: run, token: token)
                #expect(kept.expiresAt > cluster.now + .seconds(1700))
            }
        }
    }

    @Test(
        "A fault at any request of a stop is reported, and a second stop finishes",
        arguments: [
            Step(verb: "get", resource: "httproutes"), Step(verb: "get", resource: "services"),
            Step(verb: "delete", resource: "httproutes"), Step(verb: "delete", resource: "services"),
        ]
    )
    func aFaultInAStopIsReportedAndASecondStopFinishes(step: Step) async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            for fault in ClusterFault.allCases {
                let token = try await replica.start(run)
                step.meets(fault.fault, on: cluster)
                let error = await error("\(fault) at \(step)") {
                    try await replica.previews.stop(run: run, token: token)
                }
                expectUnavailable(error, fault, step)
                cluster.faults.clear()
                // A second attempt deletes whatever the failure left.
                if !cluster.previewObjects.isEmpty { try await replica.previews.stop(run: run, token: token) }
                #expect(cluster.previewObjects.isEmpty, "\(fault) at \(step)")
            }
        }
    }

    @Test("A fault at the request of a list is reported")
    func aFaultInAListIsReported() async throws {
        let step = Step(verb: "list", resource: "httproutes")
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let replica = try await Replica(cluster)
            for fault in ClusterFault.allCases {
                step.meets(fault.fault, on: cluster)
                let error = await error("\(fault)") { _ = try await replica.previews.list(run: run) }
                expectUnavailable(error, fault, step)
                cluster.faults.clear()
                #expect(try await replica.previews.list(run: run).isEmpty)
            }
        }
    }

    // MARK: A server that never answers

    static let hangs = startSteps.map { ($0, false) } + startSteps.filter { $0.verb == "create" }.map { ($0, true) }

    @Test("An API server that hangs at any request of a start ends it in time, and nothing is left", arguments: hangs)
    func aHangingAPIServerEndsAStartInTimeAndLeavesNothing(step: Step, hasActed: Bool) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster, attemptTimeout: .seconds(5))
            step.meets(hasActed ? .executeThenHang : .hang, on: cluster)
            let error = await error("\(step)") { _ = try await replica.start(run) }
            #expect(error?.kind == .clusterUnavailable)
            #expect(error?.message.contains("timed_out") == true)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test(
        "An API server that hangs at a keepalive or a stop does no harm",
        arguments: [Step(verb: "patch", resource: "httproutes"), Step(verb: "delete", resource: "httproutes")]
    )
    func aHangingAPIServerDoesNoHarmToAKeepaliveOrAStop(step: Step) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster, attemptTimeout: .seconds(5))
            let token = try await replica.start(run)
            try cluster.setExpiry(of: token, in: .seconds(600))
            step.meets(.hang, on: cluster)
            let error = await error("\(step)") {
                if step.verb == "patch" {
                    _ = try await replica.previews.keepAlive(run: run, token: token)
                } else {
                    try await replica.previews.stop(run: run, token: token)
                }
            }
            #expect(error?.kind == .clusterUnavailable)
            #expect(cluster.previewObjects.count == 2)
        }
    }

    // MARK: Helpers

    private func error(_ comment: String, _ work: () async throws -> Void) async -> PreviewError? {
        do {
            try await work()
            Issue.record("no error: \(comment)")
            return nil
        } catch {
            guard let error = error as? PreviewError else {
                Issue.record("\(comment): \(type(of: error))")
                return nil
            }
            return error
        }
    }

    private func expectUnavailable(_ error: PreviewError?, _ fault: ClusterFault, _ step: Step) {
        let comment: Comment = "\(fault) at \(step): \(error.map { "\($0)" } ?? "no error")"
        #expect(error?.kind == fault.outcome.kind, comment)
        if fault == .throttled {
            #expect(error?.retryAfter == .seconds(ClusterFault.throttledSeconds), comment)
        } else {
            #expect((error?.retryAfter != nil) == fault.outcome.canHelp, comment)
        }
        #expect(error?.message.isClearSentence == true, comment)
    }
}

extension String {
    /// Whether any caller may see it: it ends like a sentence, and contains no name of an object and no token.
    var isClearSentence: Bool {
        hasSuffix(".") && !contains("preview-") && !contains("agent-") && !contains("pod-of")
            && !contains(TestCluster.token) && split(separator: " ").allSatisfy { $0.count < 26 }
    }
}

extension TestCluster {
    /// Sets a preview's expiry, so that the next keepalive has to write.
    func setExpiry(of token: PreviewToken, in duration: Duration) throws {
        let expiry = RFC3339.string(now + duration)
        try store.update(.httpRoutes, namespace: Self.namespace, name: token.objectName) { route in
            route["metadata", "annotations", PreviewAnnotations.Key.expiresAt] = .string(expiry)
        }
    }
}
