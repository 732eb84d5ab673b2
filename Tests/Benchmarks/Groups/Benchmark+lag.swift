import Basics
import Foundation
import HTTPTypes
import PreviewControl
import PreviewDomain
import TestPeers

extension Benchmark {
    /// The time from a preview's deadline to its deletion, and the number of requests, with one replica and with three.
    ///
    /// On a real API server, Kubernetes' own `ttl-after-finished` controller works at the same time, on the same number
    /// of Jobs.
    static let lag = Benchmark(group: "lag", summary: "1,000 previews that expire within 60 s") { report in
        try await onEachCluster { cluster in
            try await LagBenchmark(cluster: cluster, replicas: 1, report: report).run()
            try await LagBenchmark(cluster: cluster, replicas: 3, report: report).run()
        }
    }
}

private struct LagBenchmark: Sendable {
    let cluster: any BenchCluster
    let replicas: Int
    let report: Report

    private static let previews = 1_000
    private static let window = 60.0
    /// The seconds in which all objects are created, and a replica measures the API server's time.
    private var lead: Double { cluster is RealCluster ? 45 : 15 }
    private static let grace = Duration.seconds(90)

    func run() async throws {
        let runs = try await Platform(cluster).addRuns(
            replicas * 1_000..<replicas * 1_000 + Self.previews / Population.previewsPerRun
        )
        let objects = try Replica(cluster).objects
        try await ServiceProcess.with(replicas, on: cluster) { _ in
            let begin = Date().timeIntervalSince1970 + lead
            let population = try Population(Self.previews, of: runs) { number in
                Date(timeIntervalSince1970: begin + Self.window * Double(number) / Double(Self.previews))
            }
            let deletesBefore = try cluster.requests().count(verb: "delete", resource: "httproutes")
            try await population.create(objects)
            let jobs = cluster is RealCluster && replicas == 1 ? try ExpiringJobs(cluster) : nil
            try await jobs?.create(Self.previews, expiringFrom: begin, within: Self.window)
            guard Date().timeIntervalSince1970 < begin else {
                throw NotInTime(what: "the previews to be there before the first expires")
            }
            let names = population.tokens.map(\.objectName)
            try await Task.sleep(for: .seconds(begin + Self.window - Date().timeIntervalSince1970))
            try await wait(for: "all previews to be deleted", atMost: Self.grace, every: .milliseconds(500)) {
                let deleted = try cluster.deletions(of: "httproutes")
                return names.allSatisfy { deleted[$0] != nil }
            }
            let deleted = try cluster.deletions(of: "httproutes")
            let deadlines = population.blueprints.map { blueprint in
                // The expiry as it is written: in whole milliseconds, rounded up.
                RFC3339.date(RFC3339.string(blueprint.annotations.expiresAt))?.timeIntervalSince1970 ?? 0
            }
            let lags = zip(names, deadlines).compactMap { name, deadline in deleted[name].map { $0 - deadline } }
            let deletes = try cluster.requests().count(verb: "delete", resource: "httproutes") - deletesBefore
            try await add(lags, deletes: deletes, jobs)
        }
    }

    private func add(_ lags: [Double], deletes: Int, _ jobs: ExpiringJobs?) async throws {
        let condition = replicas == 1 ? "1 replica" : "\(replicas) replicas"
        var halves: [Measurement.Side] = []
        var sides = [Measurement.Side(name: "largest", value: lags.max() ?? .nan, unit: "s")]
        if let jobs {
            let others = try await jobs.lags()
            halves.append(.init(name: "ttl-after-finished p50", value: others.median, unit: "s"))
            sides.append(.init(name: "ttl-after-finished p99", value: others.percentile(0.99), unit: "s"))
        }
        report.add(
            Measurement(
                "reap.lag_p50",
                on: cluster.place,
                condition,
                value: lags.median,
                unit: "s",
                target: .atMost(replicas == 1 ? 0.03 : 0.08),
                sides: halves
            )
        )
        report.add(
            Measurement(
                "reap.lag_p99",
                on: cluster.place,
                condition,
                value: lags.percentile(0.99),
                unit: "s",
                target: .atMost(replicas == 1 ? 0.25 : 0.5),
                sides: sides
            )
        )
        report.add(
            Measurement(
                "reap.early",
                on: cluster.place,
                condition,
                value: Double(lags.count { $0 < 0 }),
                unit: "previews",
                target: .atMost(0)
            )
        )
        report.add(
            Measurement(
                "reap.deletes",
                on: cluster.place,
                condition,
                value: Double(deletes) / Double(Self.previews),
                unit: "per preview",
                target: .atMost(1.2)
            )
        )
    }
}

/// Finished Jobs with a time to live, for kube-controller-manager's `ttl-after-finished`.
private struct ExpiringJobs: Sendable {
    private static let path = "/apis/batch/v1/namespaces/\(benchNamespace)/jobs"
    private static let concurrency = 32

    private let cluster: any BenchCluster
    private let client: BareClient
    private let deadlines = Deadlines()

    private actor Deadlines {
        private(set) var all: [String: Double] = [:]

        func set(_ deadlines: [String: Double]) { all = deadlines }
    }

    init(_ cluster: any BenchCluster) throws {
        self.cluster = cluster
        client = try BareClient(cluster)
    }

    /// Creates Jobs that have just finished, and whose times to live, in whole seconds, end within the window.
    func create(_ count: Int, expiringFrom begin: Double, within window: Double) async throws {
        let finished = Date().timeIntervalSince1970.rounded(.down)
        let instant = Date(timeIntervalSince1970: finished).formatted(.iso8601)
        let lives = (0..<count).map { number in
            Int((begin + window * Double(number) / Double(count) - finished).rounded(.up))
        }
        await deadlines.set(
            Dictionary(
                uniqueKeysWithValues: lives.enumerated().map { ("job-\($0.offset)", finished + Double($0.element)) }
            )
        )
        try await forEach(Array(lives.enumerated()), concurrency: Self.concurrency) { number, life in
            try await client.send(
                .post,
                Self.path,
                #"""
                {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"job-\#(number)"},
                 "spec":{"ttlSecondsAfterFinished":\#(life),
                         "template":{"spec":{"restartPolicy":"Never","containers":[{"name":"job","image":"job"}]}}}}
                """#
            )
            try await client.send(
                .patch,
                "\(Self.path)/job-\(number)/status",
                #"""
                {"status":{"succeeded":1,"startTime":"\#(instant)","completionTime":"\#(instant)",
                 "conditions":[{"type":"Complete","status":"True","lastProbeTime":"\#(instant)",
                                "lastTransitionTime":"\#(instant)"}]}}
                """#,
                type: "application/merge-patch+json"
            )
        }
    }

    /// The lags between the deadlines of the Jobs and their deletions.
    func lags() async throws -> [Double] {
        let deadlines = await deadlines.all
        try await wait(for: "all Jobs to be deleted", every: .milliseconds(500)) {
            let deleted = try cluster.deletions(of: "jobs")
            return deadlines.keys.allSatisfy { deleted[$0] != nil }
        }
        let deleted = try cluster.deletions(of: "jobs")
        return deadlines.compactMap { name, deadline in deleted[name].map { $0 - deadline } }
    }
}
