import Foundation
import OpenSSLKit
import PreviewControl
import PreviewDomain
import TestSupport

extension Benchmark {
    /// The growth of the service's own work with the number of previews, on a cluster in memory: the figures contain no
    /// time of an API server, and there can be more previews than an API server could hold on a small machine.
    static let growth = Benchmark(group: "growth", summary: "10 to 100,000 previews in memory") { report in
        let sizes = [10, 1_000, 10_000, 100_000]
        // A first run without measurement, because the first run is slower.
        _ = try await SimulatedWork(previews: 1_000).measure()
        var figures: [String: [(n: Int, value: Double)]] = [:]
        for size in sizes {
            let work = try await SimulatedWork(previews: size)
            for (name, value) in try await work.measure() { figures[name, default: []].append((size, value)) }
        }
        for law in GrowthLaw.all {
            guard let points = figures[law.name] else { continue }
            for point in points {
                report.add(
                    Measurement(
                        law.name,
                        on: "simulated",
                        "\(FigureFormat.text(Double(point.n))) previews",
                        value: point.value,
                        unit: law.unit
                    )
                )
            }
            report.add(.growth(law.name, on: "simulated", points, atMost: law.maxExponent))
        }
    }
}

/// The allowed growth of a figure.
private struct GrowthLaw: Sendable {
    let name: String
    let unit: String
    let maxExponent: Double

    /// A constant figure still grows a little once the data exceed the processor's caches. The same applies to a
    /// logarithm, and to the time for each preview of a sweep.
    static let all = [
        GrowthLaw(name: "lookup.cpu", unit: "µs", maxExponent: 0.15),
        GrowthLaw(name: "upkeep.cpu", unit: "µs", maxExponent: 0.25),
        GrowthLaw(name: "expiry.cpu", unit: "µs", maxExponent: 0.25),
        GrowthLaw(name: "sweep.cpu", unit: "ms", maxExponent: 1.15),
        GrowthLaw(name: "sweep.requests", unit: "requests", maxExponent: 0),
    ]
}

/// The use cases and the reaper over a cluster in memory.
private struct SimulatedWork: Sendable {
    private static let previewsPerRun = 10
    private static let operations = 20_000
    private static let expiries = 500
    private static let sweeps = 11
    /// When the previews that are counted expire.
    private static let firstExpiry = Duration.seconds(600)

    private let cluster = SimulatedCluster()
    private let clock = ManualClock()
    private let timeline = CountingTimeline()
    private let core: ReplicaCore
    private let annotations: [PreviewAnnotations]
    private let expiring: Int

    init(previews count: Int) async throws {
        core = ReplicaCore(
            cluster.ports,
            policy: .benchmark(),
            timeline: timeline,
            time: MonotonicTime(clock),
            randomBytes: { try CSPRNG.bytes($0) },
            jitter: { 0 },
            logger: .silent
        )
        expiring = min(Self.expiries, count / 2)
        annotations = try await Self.populate(cluster, count, expiring: expiring)
    }

    /// - Returns: The annotations of the routes.
    private static func populate(
        _ cluster: SimulatedCluster,
        _ count: Int,
        expiring: Int
    ) async throws -> [PreviewAnnotations] {
        var all: [PreviewAnnotations] = []
        all.reserveCapacity(count)
        for number in 0..<count {
            let digits = String(number / previewsPerRun, radix: 16)
            let zeros = String(repeating: "0", count: 8 - digits.count)
            let run = try RunID("\(zeros)\(digits)-0000-4000-8000-000000000000")
            if number.isMultiple(of: previewsPerRun) { cluster.addSandbox(for: run, pod: "pod-\(digits)") }
            let sandbox = try await cluster.sandbox(of: run)
            // The previews that stay have different deadlines too, as in production.
            let life =
                number < expiring
                ? firstExpiry + .milliseconds(number) : .seconds(4 * 3600) + .milliseconds(number)
            let annotations = PreviewAnnotations(
                expiresAt: cluster.now + life,
                maxUntil: cluster.now + .seconds(8 * 3600),
                runID: run,
                claimUID: sandbox.claim.uid,
                token: try PreviewToken.mint { try CSPRNG.bytes($0) },
                owner: "ada",
                pod: sandbox.pod.name,
                podUID: sandbox.pod.uid,
                targetPort: 3000,
                startedAt: cluster.now
            )
            let blueprint = PreviewBlueprint(annotations: annotations, selector: sandbox.selector)
            _ = try await cluster.createService(for: blueprint)
            _ = try await cluster.createRoute(for: blueprint)
            all.append(annotations)
        }
        return all
    }

    /// - Returns: The figures, by their names in ``GrowthLaw/all``.
    func measure() async throws -> [String: Double] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await core.mirrorRunner.run() }
            group.addTask { try await core.reaper.run() }
            defer { group.cancelAll() }
            try await wait(for: "the first sweep") { core.brake.reason == nil && core.mirror.isFresh }
            var figures: [String: Double] = [:]
            figures["lookup.cpu"] = try await lookups()
            figures["upkeep.cpu"] = try await upkeep()
            (figures["sweep.cpu"], figures["sweep.requests"]) = try await sweeps()
            figures["expiry.cpu"] = try await expiries()
            return figures
        }
    }

    /// Keepalives that write nothing: a preview is looked up, its run is compared and its deadline judged.
    private func lookups() async throws -> Double {
        let living = annotations[expiring...]
        let picked = (0..<Self.operations).compactMap { _ in living.randomElement() }
        let seconds = try await ProcessUsage.cpuSeconds {
            for annotations in picked {
                _ = try await core.previews.keepAlive(run: annotations.runID, token: annotations.token)
            }
        }
        return seconds / Double(Self.operations) * 1e6
    }

    /// Changes of routes from a watch: they are added to the index and to the queue of deadlines.
    private func upkeep() async throws -> Double {
        let living = Set(annotations[expiring...].map(\.token))
        let routes = try await cluster.routes().filter { living.contains($0.token) }
        let picked = (0..<Self.operations).compactMap { _ in routes.randomElement() }
        let seconds = try await ProcessUsage.cpuSeconds {
            for preview in picked { core.mirror.apply(.routes(.applied(preview))) }
        }
        return seconds / Double(Self.operations) * 1e6
    }

    private func sweeps() async throws -> (milliseconds: Double, requests: Double) {
        var seconds: [Double] = []
        cluster.clearLog()
        for _ in 0..<Self.sweeps {
            seconds.append(try await ProcessUsage.cpuSeconds { try await core.reaper.sweep() })
        }
        return (seconds.median * 1000, Double(cluster.log.count) / Double(Self.sweeps))
    }

    /// The time from the deadline to the deletion, in the index, the queue, the judge and the execution.
    private func expiries() async throws -> Double {
        let before = timeline.count
        let seconds = try await ProcessUsage.cpuSeconds {
            cluster.advance(by: Self.firstExpiry + .seconds(5))
            // Wakes the loop of the deadlines, not the sweep.
            clock.advance(by: .seconds(59))
            while timeline.count - before < expiring { try await Task.sleep(for: .milliseconds(1)) }
        }
        return seconds / Double(expiring) * 1e6
    }
}

/// Counts its events.
private final class CountingTimeline: Timeline {
    private let counter = AtomicCounter()

    var count: Int { counter.count }

    func record(_ event: TimelineEvent) { counter.add() }
}
