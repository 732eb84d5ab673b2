import Foundation
import PreviewControl
import PreviewDomain
import TestPeers

extension Benchmark {
    /// The requests of each operation, as the API server counts them, with few, many and very many previews.
    static let requests = Benchmark(group: "requests", summary: "requests per operation, counted at the API server") {
        report in
        try await onEachCluster { cluster in
            let sizes = cluster is RealCluster ? [10, 1_000] : [10, 1_000, 10_000]
            try await RequestsBenchmark(cluster: cluster, report: report).run(sizes)
        }
    }
}

private struct RequestsBenchmark: Sendable {
    let cluster: any BenchCluster
    let report: Report

    /// The number of measurements of each operation; the largest count is reported.
    private static let repetitions = 3
    private static let sweeps = 2
    /// The front end's interval, and how long it is kept up.
    private static let pingInterval = Duration.seconds(60)
    private static let pings = 60

    private struct Figures {
        var start = 0
        var gatedStart = 0
        var keepalive = 0
        var writesPerPing = 0.0
        var stop = 0
        var idleSweep = 0
    }

    func run(_ sizes: [Int]) async throws {
        var runs: [Platform.Run] = []
        var count = 0
        var sweeps: [(n: Int, value: Double)] = []
        for size in sizes {
            let missing = size - count
            runs += try await Platform(cluster).addRuns(runs.count..<max(size / Population.previewsPerRun, 4))
            try await Population(missing, of: runs).create(Replica(cluster).objects)
            count = size
            let figures = try await measure(runs)
            add("start", size, figures.start, atMost: 3)
            add("start_gated", size, figures.gatedStart, atMost: 5)
            add("keepalive", size, figures.keepalive, atMost: 1)
            report.add(
                Measurement(
                    "requests.keepalive.writes",
                    on: cluster.place,
                    condition(size),
                    value: figures.writesPerPing,
                    unit: "per ping",
                    target: .atMost(0.25)
                )
            )
            add("stop", size, figures.stop, atMost: 2)
            add("sweep_idle", size, figures.idleSweep, atMost: 3)
            sweeps.append((size, Double(figures.idleSweep)))
        }
        report.add(.growth("requests.sweep_idle", on: cluster.place, sweeps, atMost: 0))
    }

    private func add(_ name: String, _ size: Int, _ count: Int, atMost bound: Double) {
        report.add(
            Measurement(
                "requests.\(name)",
                on: cluster.place,
                condition(size),
                value: Double(count),
                unit: "requests",
                target: .atMost(bound)
            )
        )
    }

    private func condition(_ size: Int) -> String { "\(FigureFormat.text(Double(size))) previews" }

    private func measure(_ runs: [Platform.Run]) async throws -> Figures {
        let replica = try Replica(cluster)
        var figures = try await replica.whileWatching {
            var figures = Figures()
            // The newest runs: a new replica would first wait for the outcome of a start that another one has begun.
            for run in runs.suffix(Self.repetitions).map(\.id) {
                let (token, start) = try await start(run, on: replica)
                figures.start = max(figures.start, start)
                try await replica.seen.waitForPreview(token)
                let stop = try await count { try await replica.previews.stop(run: run, token: token) }
                figures.stop = max(figures.stop, stop)
                figures.gatedStart = max(figures.gatedStart, try await gatedStart(run, on: replica))
            }
            for _ in 0..<Self.sweeps {
                figures.idleSweep = max(figures.idleSweep, try await count { try await replica.reaper.sweep() })
            }
            return figures
        }
        (figures.keepalive, figures.writesPerPing) = try await keepalives(of: runs[0].id)
        return figures
    }

    private func start(_ run: RunID, on replica: Replica) async throws -> (PreviewToken, Int) {
        let before = try cluster.requests().count()
        let started = try await replica.previews.start(run: run, port: 3000, requester: "ada")
        return (started.session.token, try cluster.requests().count() - before)
    }

    /// The requests of an agent's start, without those of its approval by another caller.
    private func gatedStart(_ run: RunID, on replica: Replica) async throws -> Int {
        let approvals = ApprovalCost()
        let before = try cluster.requests().count()
        let started = try await replica.gate.start(run: run, port: 3000, requester: "agent") { approval in
            await approvals.note {
                try await count {
                    try await replica.gate.approve(run: run, requestID: approval.id.text, scope: .once, by: "ada")
                }
            }
        }
        let total = try cluster.requests().count() - before
        let approval = try await approvals.cost
        try await replica.seen.waitForPreview(started.session.token)
        try await replica.previews.stop(run: run, token: started.session.token)
        return total - approval
    }

    /// Pings a preview for a simulated hour.
    ///
    /// - Returns: The largest number of requests of one ping, and the writes per ping.
    private func keepalives(of run: RunID) async throws -> (mostRequests: Int, writesPerPing: Double) {
        let time = ManualClusterTime()
        let replica = try Replica(cluster, time: time)
        return try await replica.whileWatching {
            let token = try await replica.previews.start(run: run, port: 3000, requester: "ada").session.token
            try await replica.seen.waitForPreview(token)
            let writesBefore = try cluster.requests().count(verb: "patch", resource: "httproutes")
            var mostRequests = 0
            for _ in 0..<Self.pings {
                time.advance(by: Self.pingInterval)
                let before = try cluster.requests().count()
                let kept = try await replica.previews.keepAlive(run: run, token: token)
                mostRequests = max(mostRequests, try cluster.requests().count() - before)
                // A watch delivers within a minute; here no time passes.
                try await replica.seen.waitForExpiry(kept.expiresAt, of: token)
            }
            let writes = try cluster.requests().count(verb: "patch", resource: "httproutes") - writesBefore
            try await replica.previews.stop(run: run, token: token)
            return (mostRequests, Double(writes) / Double(Self.pings))
        }
    }

    private func count(_ operation: () async throws -> some Any) async throws -> Int {
        let before = try cluster.requests().count()
        _ = try await operation()
        return try cluster.requests().count() - before
    }
}

/// The requests of an approval while a start waited for it.
private actor ApprovalCost {
    struct NotAsked: Error {}

    private var result: Result<Int, any Error> = .failure(NotAsked())

    var cost: Int { get throws { try result.get() } }

    func note(_ approve: () async throws -> Int) async {
        do { result = .success(try await approve()) } catch { result = .failure(error) }
    }
}
