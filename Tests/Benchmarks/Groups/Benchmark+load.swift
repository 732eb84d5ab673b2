import Basics
import DevCluster
import Foundation
import PreviewControl
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport

extension Benchmark {
    /// The responses to callers while more requests arrive than the machine can carry, and afterwards.
    static let load = Benchmark(
        group: "load",
        summary: "200 previews' pings and starts, at 1, 2 and 5 times what is carried"
    ) {
        report in
        try await onEachCluster { cluster in
            try await LoadBenchmark(cluster: cluster, report: report).run()
        }
    }
}

private struct LoadBenchmark: Sendable {
    let cluster: any BenchCluster
    let report: Report

    private static let previews = 200
    /// The part of the requests that start a preview, which is stopped at once; the others are pings.
    private static let startShare = 0.02
    private static let seed: UInt64 = 1
    private static let phase = Duration.seconds(10)
    /// The carried rate, as a part of the rate of callers that wait for each response: a queue at its capacity never
    /// empties.
    private static let carriedPart = 0.7
    private static let closedCallers = 16
    private static let recoveryLimit = Duration.seconds(30)
    /// The service has recovered once this many responses in a row took no longer than this.
    private static let (promptSeconds, promptAnswers) = (0.1, 10)

    func run() async throws {
        let issuer = TokenIssuer()
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let key = try folder.write("key.pem", issuer.publicKeyPEM)
        guard let port = Sockets.freePort(address: "127.0.0.1") else { throw NotInTime(what: "a port to be free") }
        let runs = try await Platform(cluster).addRuns(0..<Self.previews / Population.previewsPerRun)
        let population = try Population(Self.previews, of: runs, expiry: { _ in Date() + .seconds(1800) })
        try await population.create(Replica(cluster).objects)
        let service = try await ServiceProcess(
            cluster,
            settings: [
                "Server__Listen": "127.0.0.1:\(port)", "Auth__OAuth__Issuer": TokenIssuer.name,
                "Auth__OAuth__Audience": TokenIssuer.audience, "Auth__OAuth__SigningKeyFile": key,
                "Sandbox__Preview__ReadyTimeoutSeconds": "0", "Sandbox__Preview__MaxConcurrentSessionsPerRun": "1000",
                "Sandbox__Preview__MaxConcurrentSessionsGlobal": "100000",
                // The load on a replica is measured, not its limit of one caller's rate.
                "Server__RequestsPerSecond": "100000", "Server__RequestBurst": "100000",
            ]
        )
        defer { service.stop() }
        let callers = LoadCallers(population, bearer: issuer.token(for: "ada"), startShare: Self.startShare)
        let loop = OpenLoop(port: port)
        callers.loop.withLock { $0 = loop }
        try await wait(for: "the service to start previews") {
            await loop.probe("GET /readyz HTTP/1.1\r\nHost: service\r\n\r\n")?.status == 200
        }
        let carried = try await closedLoopRate(loop, callers) * Self.carriedPart
        for factor in [1.0, 2, 5] {
            let outcome = try await loop.run(
                rate: carried * factor,
                for: Self.phase,
                random: SeededRandom(seed: Self.seed)
            ) { callers.next() }
            add(outcome, factor: factor, carried: carried, recovery: await recovery(loop, callers))
        }
        report.add(
            Measurement(
                "load.lost",
                on: cluster.place,
                "acknowledged pings and starts",
                value: Double(try await callers.lost(in: Replica(cluster).objects.routes())),
                unit: "",
                target: .atMost(0)
            )
        )
    }

    private func closedLoopRate(_ loop: OpenLoop, _ callers: LoadCallers) async throws -> Double {
        try await throughput(concurrency: Self.closedCallers, for: .seconds(5)) { _ in
            let request = callers.next()
            let answer = try await loop.exchange(request.text)
            if answer.status == 200 { await request.answered(answer.body) }
        }.rate
    }

    /// The seconds until responses are fast again.
    private func recovery(_ loop: OpenLoop, _ callers: LoadCallers) async -> Double {
        let begun = ContinuousClock.now
        var prompt = 0
        while prompt < Self.promptAnswers, begun.duration(to: .now) < Self.recoveryLimit {
            let answer = await loop.probe(callers.ping())
            prompt = answer.map { $0.status == 200 && $0.seconds < Self.promptSeconds } == true ? prompt + 1 : 0
        }
        return begun.duration(to: .now).seconds
    }

    private func add(_ outcome: OpenLoop.Outcome, factor: Double, carried: Double, recovery: Double) {
        let condition = "\(FigureFormat.text(factor))× of \(FigureFormat.text(carried)) /s"
        let sent = Double(max(outcome.sentCount, 1))
        report.add(
            Measurement(
                "load.latency_p50",
                on: cluster.place,
                condition,
                value: outcome.latencies.median,
                unit: "s",
                sides: [
                    .init(name: "p99", value: outcome.latencies.percentile(0.99), unit: "s"),
                    .init(name: "p99.9", value: outcome.latencies.percentile(0.999), unit: "s"),
                    .init(name: "shed", value: Double(outcome.shed) / sent, unit: "of those sent"),
                    .init(name: "not sent", value: Double(outcome.unsent), unit: ""),
                ]
            )
        )
        report.add(
            Measurement(
                "load.untold",
                on: cluster.place,
                condition,
                value: Double(outcome.untold.values.reduce(0, +)),
                unit: "requests",
                target: .atMost(0),
                sides: outcome.untold.sorted { $0.key < $1.key }
                    .map { .init(name: $0.key, value: Double($0.value), unit: "") }
            )
        )
        report.add(
            Measurement(
                "load.recovery",
                on: cluster.place,
                condition,
                value: recovery,
                unit: "s",
                target: .atMost(5)
            )
        )
    }
}

/// The requests of the callers, and the promises that they got.
private final class LoadCallers: Sendable {
    private struct Session: Decodable { let session_id: String }
    private struct KeptAlive: Decodable {
        let token: String
        let expires_at: String
    }

    private let previews: [(run: String, token: String)]
    private let bearer: String
    private let startShare: Double
    private let random = SeededRandom(seed: 2)
    private let promises = Mutex<[String: Date]>([:])
    private let stopped = Mutex<Set<String>>([])
    /// The loop through which callers send the requests that follow from a response.
    let loop = Mutex<OpenLoop?>(nil)

    init(_ population: Population, bearer: String, startShare: Double) {
        previews = population.blueprints.map { ($0.annotations.runID.text, $0.annotations.token.text) }
        self.bearer = bearer
        self.startShare = startShare
    }

    func next() -> (text: String, answered: @Sendable (String) async -> Void) {
        guard random.unit() < startShare else { return (ping(), { self.recordPing($0) }) }
        let path = "/api/runs/\(any().run)/sandbox/port-forward"
        return (
            request("POST", path, #"{"target_port":3000}"#),
            { body in
                guard let loop = self.loop.withLock(\.self), let session = Self.decode(Session.self, body) else {
                    return
                }
                let stop = self.request("DELETE", "\(path)/\(session.session_id)")
                guard let answer = try? await loop.exchange(stop), answer.status == 200 else { return }
                self.stopped.withLock { _ = $0.insert(session.session_id) }
            }
        )
    }

    func ping() -> String {
        let preview = any()
        return request("POST", "/api/runs/\(preview.run)/sandbox/preview/\(preview.token)/keepalive")
    }

    private func any() -> (run: String, token: String) { previews[Int(random.next() % UInt64(previews.count))] }

    private func recordPing(_ body: String) {
        guard let kept = Self.decode(KeptAlive.self, body), let until = RFC3339.date(kept.expires_at) else { return }
        promises.withLock { $0[kept.token] = max($0[kept.token] ?? until, until) }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ body: String) -> Value? {
        try? JSONDecoder().decode(type, from: Data(body.utf8))
    }

    private func request(_ method: String, _ path: String, _ body: String = "") -> String {
        PersistentConnection.request(method, path, body: body, bearer: bearer)
    }

    /// The number of promises that the cluster does not show: pings whose expiry is missing, and stopped previews that
    /// exist.
    func lost(in routes: [Preview]) -> Int {
        let expiries = Dictionary(routes.map { ($0.token.text, $0.expiresAt ?? .distantPast) }) { first, _ in first }
        let pings = promises.withLock(\.self).count { token, until in
            (expiries[token] ?? .distantPast).timeIntervalSince(until) < -0.002
        }
        return pings + stopped.withLock(\.self).count { expiries[$0] != nil }
    }
}
