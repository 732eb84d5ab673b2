import Basics
import Foundation
import HTTPTransport
import HTTPTypes
import PreviewControl
import PreviewDomain
import Synchronization
import TestPeers

extension Benchmark {
    /// The service's cost in addition to the one request of a keepalive that writes.
    static let keepalive = Benchmark(group: "keepalive", summary: "keepalives that write, and bare patches") { report in
        try await onEachCluster { cluster in
            try await KeepaliveBenchmark(cluster: cluster, report: report).run()
        }
    }
}

private struct KeepaliveBenchmark: Sendable {
    let cluster: any BenchCluster
    let report: Report

    private static let previews = 320
    private static let concurrency = 16
    private static let rounds = 12
    private static let duration = Duration.milliseconds(800)
    /// The number of patches of each worker.
    private let turns = (0..<concurrency).map { _ in AtomicCounter() }

    struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }

    func run() async throws {
        // One run, so that the recorded request fits all previews except for the token.
        let runs = try await Platform(cluster).addRuns(0..<1)
        let population = try Population(Self.previews, of: runs, expiry: { _ in Date() + .seconds(1200) })
        try await population.create(Replica(cluster).objects)
        let expiries = Expiries(population)
        let recorder = RequestRecorder()
        // Without slack every ping has to write, provided that the time is known exactly: a promise counts from the
        // latest possible instant, which can become earlier while the time becomes more exact.
        let policy = PreviewPolicy.benchmark(lifetime: LifetimePolicy(keepaliveCoalesce: .zero))
        let replica = try Replica(cluster, policy: policy, time: LocalClusterTime()) {
            RecordingTransport($0, recorder)
        }
        let bare = try BareClient(cluster)
        try await replica.whileWatching {
            let patch = try await Patch(recordedBy: recorder, population, expiries, replica)
            let comparison = try await Comparison(rounds: Self.rounds) {
                (
                    try await keepAlives(population, expiries, replica),
                    try await throughput(concurrency: Self.concurrency, for: Self.duration) { worker in
                        let token = population.blueprints[pick(worker)].annotations.token
                        let expiry = Date() + .seconds(1800)
                        try await bare.send(patch.request(for: token, from: expiries[token], to: expiry))
                        expiries[token] = expiry
                    }
                )
            }
            report.add(
                .ratio(
                    "keepalive.ratio",
                    on: cluster.place,
                    "\(Self.concurrency) at once",
                    of: .init(name: "keepalives", value: comparison.firstRate, unit: "/s"),
                    to: .init(name: "bare", value: comparison.secondRate, unit: "/s"),
                    target: .atLeast(0.8)
                )
            )
        }
    }

    private func keepAlives(
        _ population: Population,
        _ expiries: Expiries,
        _ replica: Replica
    ) async throws -> Throughput {
        let before = try cluster.requests().count(verb: "patch", resource: "httproutes")
        let completed = AtomicCounter()
        let throughput = try await throughput(concurrency: Self.concurrency, for: Self.duration) { worker in
            let preview = population.blueprints[pick(worker)].annotations
            let kept = try await replica.previews.keepAlive(run: preview.runID, token: preview.token)
            expiries[preview.token] = kept.expiresAt
            completed.add()
        }
        let written = try cluster.requests().count(verb: "patch", resource: "httproutes") - before
        // A change that the watch delivers late costs a second write.
        guard (completed.count...completed.count + completed.count / 100).contains(written) else {
            throw Unexpected(description: "of \(completed.count) keepalives \(written) wrote")
        }
        return throughput
    }

    /// Every worker patches its own previews, in turn: a preview whose last change the replica's watch has not delivered
    /// yet would be read and patched again.
    private func pick(_ worker: Int) -> Int {
        let share = Self.previews / Self.concurrency
        return worker * share + turns[worker].add() % share
    }
}

/// The present expiries of the previews, which a keepalive's patch tests.
private final class Expiries: Sendable {
    private let dates: Mutex<[PreviewToken: Date]>

    init(_ population: Population) {
        let all = population.blueprints.map { ($0.annotations.token, $0.annotations.expiresAt) }
        dates = Mutex(Dictionary(uniqueKeysWithValues: all))
    }

    subscript(token: PreviewToken) -> Date {
        get { dates.withLock { $0[token] ?? .distantPast } }
        set { dates.withLock { $0[token] = newValue } }
    }
}

/// The request of a keepalive as the service sends it, split at the token, the present expiry and the new one.
private struct Patch: Sendable {
    private let request: TransportRequest
    private let path: [String]
    private let body: [String]

    init(
        recordedBy recorder: RequestRecorder,
        _ population: Population,
        _ expiries: Expiries,
        _ replica: Replica
    ) async throws {
        let (run, token) = (population.blueprints[0].annotations.runID, population.tokens[0])
        let before = RFC3339.string(expiries[token])
        let requests = try await recorder.requests {
            expiries[token] = try await replica.previews.keepAlive(run: run, token: token).expiresAt
        }
        let after = RFC3339.string(expiries[token])
        guard requests.count == 1 else {
            throw KeepaliveBenchmark.Unexpected(description: "a keepalive sent \(requests.count) requests")
        }
        request = requests[0]
        path = (request.head.path ?? "").split(separator: token.text).map(String.init)
        body = String(decoding: request.body, as: UTF8.self).replacing(before, with: after).split(separator: after)
            .map(String.init)
        guard path.count <= 2, body.count == 3 else {
            throw KeepaliveBenchmark.Unexpected(description: "a keepalive's request is not what it was")
        }
    }

    func request(for token: PreviewToken, from before: Date, to after: Date) -> TransportRequest {
        var request = request
        request.head.path = path[0] + token.text + path.dropFirst().joined()
        request.body = Array((body[0] + RFC3339.string(before) + body[1] + RFC3339.string(after) + body[2]).utf8)
        return request
    }
}
