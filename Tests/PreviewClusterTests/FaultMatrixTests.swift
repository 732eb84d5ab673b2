import DevCluster
import FoundationEssentials
import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewControl

/// Every operation meets every fault at each of its requests, once and from then on, over real connections; then the
/// fault ends. Docs/FaultInjection.md describes what must hold, and the lines that are printed.
@Suite("Every operation, every fault, every request", .timeLimit(.minutes(60)))
struct FaultMatrixTests {
    /// A fault between the service and the API server.
    enum Fault: String, CaseIterable, Sendable {
        case resetBefore, resetAfter, failedAfter, quota, throttled, throttledWithoutTime, failing, unavailable
        case unavailableWithTime, gatewayTimeout, clockAhead, clockBehind

        fileprivate var rule: FaultPlan.Fault? {
            switch self {
            case .resetBefore: .drop
            case .resetAfter: .executeThenDrop
            case .failedAfter: .executeThenRespond(Self.status(500, "InternalError"))
            case .quota:
                .respond(
                    StatusFailure(
                        code: 403,
                        reason: "Forbidden",
                        message: "services is forbidden: exceeded quota: small, requested: count/services=1, "
                            + "used: count/services=3, limited: count/services=3"
                    )
                )
            case .throttled: .respond(Self.status(429, "TooManyRequests", retryAfter: 1))
            case .throttledWithoutTime: .respond(Self.status(429, "TooManyRequests"))
            case .failing: .respond(Self.status(500, "InternalError"))
            case .unavailable: .respond(Self.status(503, "ServiceUnavailable"))
            case .unavailableWithTime: .respond(Self.status(503, "ServiceUnavailable", retryAfter: 1))
            case .gatewayTimeout: .respond(Self.status(504, "Timeout"))
            case .clockAhead, .clockBehind: nil
            }
        }

        fileprivate var clockOffset: Duration {
            switch self {
            case .clockAhead: .seconds(600)
            case .clockBehind: .seconds(-600)
            default: .zero
            }
        }

        private static func status(_ code: Int, _ reason: String, retryAfter seconds: Int? = nil) -> StatusFailure {
            StatusFailure(code: code, reason: reason, message: "injected", retryAfterSeconds: seconds)
        }
    }

    enum Operation: String, CaseIterable, Sendable {
        case operatorStart, agentStart, keepalive, stop, list, approve, deny, autoApprove, reap, sweep
    }

    /// The largest number of requests of an operation that are tried.
    private static let maxRequests = 24
    /// The number of a caller's retries once the fault has ended.
    private static let maxRetries = 5

    /// The number of cells of each operation that every run of the tests tries.
    private static let sampleSize = 3

    /// The operations that `FAULT_MATRIX` names; all of them if it names none.
    private static let requestedOperations: [Operation] = {
        let words = ProcessInfo.processInfo.environment["FAULT_MATRIX"]?.split(separator: ",") ?? []
        let named = words.compactMap { Operation(rawValue: String($0)) }
        return named.isEmpty ? Operation.allCases : named
    }()

    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["FAULT_MATRIX"] != nil, "it takes many minutes: make faults"),
        arguments: requestedOperations
    )
    func afterTheFaultTheClusterMatchesTheReportedOutcome(_ operation: Operation) async throws {
        try await withCellRunner(of: operation) { runCell in
            for fault in Fault.allCases {
                var (cells, succeeded, failed) = (0, 0, 0)
                for lasts in [false, true] {
                    for request in 1...Self.maxRequests {
                        let outcome = try await runCell(fault, request, lasts)
                        guard outcome.wasMet else { break }
                        cells += 1
                        if outcome.succeeded { succeeded += 1 } else { failed += 1 }
                        // A wrong `Date` applies to the whole operation.
                        if fault.rule == nil { break }
                    }
                }
                print("fault table | \(operation.rawValue) | \(fault.rawValue) | \(cells) | \(succeeded) | \(failed) |")
            }
        }
    }

    @Test(arguments: Operation.allCases)
    func afterSomeOfTheFaultsTheClusterMatchesTheReportedOutcome(_ operation: Operation) async throws {
        let random = SeededRandom(seed: UInt64(operation.rawValue.utf8.reduce(0) { $0 + Int($1) }))
        try await withCellRunner(of: operation) { runCell in
            for _ in 0..<Self.sampleSize {
                let fault = Fault.allCases[Int(random.next() % UInt64(Fault.allCases.count))]
                _ = try await runCell(fault, Int(random.next() % 4) + 1, random.next() % 2 == 0)
            }
        }
    }

    private typealias CellRunner =
        @Sendable (_ fault: Fault, _ request: Int, _ lasts: Bool) async throws -> Cell.Outcome

    /// Runs `body` with a function that tries one cell of an operation, each with its own run on one cluster.
    private func withCellRunner(
        of operation: Operation,
        _ body: @escaping @Sendable (CellRunner) async throws -> Void
    ) async throws {
        try await TestCluster.run { cluster in
            let clock = ManualClock()
            let replica = try await Replica(cluster, clock: clock)
            // An unrelated preview, which must survive.
            let witnessRun = try RunID.testing(0)
            try cluster.addSandbox(for: witnessRun)
            let witness = try await replica.start(witnessRun)
            let count = Mutex(0)
            try await body { fault, request, lasts in
                let run = try RunID.testing(
                    count.withLock {
                        $0 += 1
                        return $0
                    }
                )
                try cluster.addSandbox(for: run)
                // Its viewer has just pinged.
                try cluster.setExpiry(of: witness, in: .seconds(1800))
                let cell = Cell(cluster: cluster, replica: replica, clock: clock, run: run, operation: operation)
                let comment = Comment(rawValue: "\(operation) × \(fault) at request \(request), lasting: \(lasts)")
                let outcome = try await cell.run(fault, at: request, lasts: lasts, comment)
                #expect(cluster.route(witness) != nil && cluster.service(witness) != nil, comment)
                return outcome
            }
            // No preview outlives its hard cap.
            cluster.advance(by: .seconds(9 * 3600))
            let sweeper = try cell(cluster, replica, clock)
            await sweeper.untilSwept { cluster.previewObjects.isEmpty }
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    private func cell(_ cluster: TestCluster, _ replica: Replica, _ clock: ManualClock) throws -> Cell {
        Cell(cluster: cluster, replica: replica, clock: clock, run: try RunID.testing(0), operation: .sweep)
    }

    /// One operation with one fault.
    private struct Cell: Sendable {
        let cluster: TestCluster
        let replica: Replica
        let clock: ManualClock
        let run: RunID
        let operation: Operation

        struct Outcome {
            let wasMet: Bool
            let succeeded: Bool
        }

        func run(_ fault: Fault, at number: Int, lasts: Bool, _ comment: Comment) async throws -> Outcome {
            var prepared = try await prepare()
            prepared.grantMayExpire = fault == .clockAhead
            let sent = Mutex(0)
            let hits = Mutex(0)
            if let rule = fault.rule {
                cluster.faults.add(
                    .init(times: nil, fault: rule) { call in
                        guard call.resource != "events", call.verb != "watch" else { return false }
                        let index = sent.withLock {
                            $0 += 1; return $0
                        }
                        guard lasts ? index >= number : index == number else { return false }
                        hits.withLock { $0 += 1 }
                        return true
                    }
                )
            } else {
                cluster.faults.clockOffset = fault.clockOffset
                hits.withLock { $0 = 1 }
            }
            let error = await attempt(prepared)
            cluster.faults.clear()
            if let error {
                #expect(error.message.isClearSentence, comment)
            } else {
                try await checkSuccess(prepared, comment)
            }
            #expect(routeCount <= 1, comment)
            try await checkRecovery(prepared, after: error, lasts: lasts, comment)
            return Outcome(wasMet: hits.withLock { $0 } > 0, succeeded: error == nil)
        }

        private struct Prepared: Sendable {
            var token: PreviewToken?
            var request: String?
            /// Whether the API server's clock may show that the grant is too old, so that a new request waits.
            var grantMayExpire = false
        }

        private func prepare() async throws -> Prepared {
            switch operation {
            case .operatorStart, .autoApprove, .sweep: return Prepared()
            case .keepalive, .stop, .list, .reap:
                let token = try await replica.start(run)
                if operation == .keepalive { try cluster.setExpiry(of: token, in: .seconds(600)) }
                if operation == .reap { try cluster.setExpiry(of: token, in: .seconds(-3600)) }
                return Prepared(token: token)
            case .agentStart, .approve, .deny:
                guard case .pending(let approval) = try await requestPreview() else {
                    Issue.record("the request did not wait")
                    return Prepared()
                }
                if operation == .agentStart {
                    try await replica.core.gate.approve(run: run, requestID: approval.id.text, scope: .once, by: "ada")
                }
                return Prepared(request: approval.id.text)
            }
        }

        private func requestPreview() async throws -> GateDecision {
            try await replica.core.gate.request(run: run, port: 3000, requester: "agent")
        }

        /// Carries out the operation while time passes for waiting calls.
        private func attempt(_ prepared: Prepared) async -> PreviewError? {
            do {
                try await runWork {
                    try await carryOut(prepared)
                } repeating: {
                    for _ in 0..<1000 { await Task.yield() }
                    if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(50)) }
                }
                return nil
            } catch let error as PreviewError {
                return error
            } catch {
                return (error as? ClusterError).map { PreviewError($0) }
            }
        }

        private func carryOut(_ prepared: Prepared) async throws {
            let gate = replica.core.gate
            switch operation {
            case .operatorStart: _ = try await replica.start(run)
            case .agentStart: _ = try await requestPreview()
            case .keepalive: _ = try await replica.previews.keepAlive(run: run, token: prepared.token.unwrapped())
            case .stop: try await replica.previews.stop(run: run, token: prepared.token.unwrapped())
            case .list: _ = try await replica.previews.list(run: run)
            case .approve:
                try await gate.approve(run: run, requestID: prepared.request ?? "", scope: .once, by: "ada")
            case .deny: try await gate.deny(run: run, requestID: prepared.request ?? "", by: "ada")
            case .autoApprove: try await gate.setAutoApprove(run: run, to: true, by: "ada")
            case .reap, .sweep: try await replica.reaper.sweep(lists: true)
            }
        }

        /// A reported success must hold at once.
        private func checkSuccess(_ prepared: Prepared, _ comment: Comment) async throws {
            switch operation {
            case .agentStart where prepared.grantMayExpire: #expect(routeCount == serviceCount, comment)
            case .operatorStart, .agentStart, .keepalive, .list:
                guard operation != .list || prepared.token != nil else { return }
                #expect(routeCount == 1 && serviceCount == 1, comment)
            case .stop: #expect(routeCount == 0 && serviceCount == 0, comment)
            case .approve: #expect(try await states == [.granted], comment)
            case .deny: #expect(try await states == [.denied], comment)
            case .autoApprove, .reap, .sweep: break
            }
        }

        /// Once the fault has ended, the operation can be repeated, and the reaper deletes what a failure left.
        private func checkRecovery(
            _ prepared: Prepared,
            after error: PreviewError?,
            lasts: Bool,
            _ comment: Comment
        ) async throws {
            var last = error
            for _ in 0..<FaultMatrixTests.maxRetries where last != nil && !isDone(last) {
                // A caller that is told when to retry does so then.
                if operation == .agentStart, let pause = last?.retryAfter { cluster.advance(by: pause) }
                last = await attempt(prepared)
            }
            #expect(last == nil || isDone(last), "\(comment): \(last.map { "\($0)" } ?? "")")
            switch operation {
            case .approve: #expect(try await states == [.granted], comment)
            case .deny: #expect(try await states == [.denied], comment)
            case .agentStart:
                // A grant that was reported as still valid is, and starts the preview.
                if error?.message.contains("still valid") == true { #expect(routeCount == 1, comment) }
            case .stop, .reap: await untilSwept { routeCount == 0 && serviceCount == 0 }
            default: break
            }
            if operation == .stop || operation == .reap { #expect(routeCount + serviceCount == 0, comment) }
            await untilSwept { routeCount == serviceCount }
            // If the rollback failed too, a pair that no caller was told of lives until its idle time-out
            // (Docs/FaultInjection.md).
            let most = operation == .operatorStart && lasts ? 2 : 1
            #expect(routeCount == serviceCount && routeCount <= most, comment)
        }

        /// An error that a retry may get if the first attempt took effect without a response.
        private func isDone(_ error: PreviewError?) -> Bool {
            switch (operation, error?.kind) {
            case (.stop, .previewNotFound): routeCount + serviceCount == 0
            // While the time may be ten minutes later, no grant is certain to be usable.
            case (.agentStart, .approvalUsed), (.agentStart, .approvalWithdrawn): true
            default: false
            }
        }

        // MARK: Contents

        private var routeCount: Int { count(.httpRoutes) }
        private var serviceCount: Int { count(.services) }

        private func count(_ kind: ResourceKind) -> Int {
            cluster.store.list(kind).items.count {
                $0["metadata", "labels", PreviewLabel.run] == .string(run.label.text)
            }
        }

        private var states: [Approval.State] {
            get async throws { try await replica.core.gate.approvals(run: run).map(\.state) }
        }

        /// Sweeps until `condition` holds, as the reaper does over time.
        func untilSwept(_ condition: @Sendable () -> Bool) async {
            for _ in 0..<FaultMatrixTests.maxRetries where !condition() {
                try? await replica.reaper.sweep(lists: true)
                if !condition() { clock.advance(by: .seconds(60)) }
            }
        }
    }
}

extension Optional where Wrapped == PreviewToken {
    fileprivate func unwrapped() throws -> PreviewToken { try #require(self) }
}
