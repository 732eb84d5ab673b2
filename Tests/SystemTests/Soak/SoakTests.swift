import Foundation
import Hummingbird
import PreviewControl
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// Three replicas of the built program under load, while they are killed, disconnected from the API server and
/// replaced.
///
/// `make soak MINUTES=…` runs it.
@Suite(
    "Several replicas under load and faults",
    .enabled(
        if: ReplicaProcess.program != nil && ProcessInfo.processInfo.environment["SOAK_MINUTES"] != nil,
        "SOAK_MINUTES is not set, or preview-gateway is not beside the tests"
    ),
    .serialized,
    .timeLimit(.minutes(Soak.minutes + 4))
)
struct SoakTests {
    @Test func everyPromiseHoldsThroughKillsAnOutageAndARollingUpdate() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "soak-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await SoakCluster.with(runs: 4, in: folder) { cluster, runs in
            let soak = try Soak(cluster, runs, folder: folder)
            try await soak.run()
            let expectations = soak.load.expectations
            print(soak.summary)
            #expect(expectations.violations.isEmpty)
            #expect(soak.load.failures.isEmpty, "during the rolling update")
            #expect(
                expectations.pings > 50 && expectations.starts > 5 && expectations.stops > 1 && expectations.ends > 3,
                "the load was one"
            )
            #expect(try await cluster.objectCount() == 0, "nothing is left, and no half of anything")
            for growth in soak.excessiveGrowth { Issue.record("\(growth)") }
            #expect(soak.growth.isEmpty == (Soak.steadyMinutes == 0), "the growth of the replicas was measured")
            if expectations.violations.isEmpty, soak.load.failures.isEmpty {
                try FileManager.default.removeItem(at: folder)
            } else {
                print("the replicas' logs are in \(folder.path)")
            }
        }
    }
}

/// One soak: the replicas, the faults, and the comparison with the cluster.
final class Soak: Sendable {
    /// The length in whole minutes; with 0 every fault occurs once.
    static let minutes = ProcessInfo.processInfo.environment["SOAK_MINUTES"].flatMap { Int($0) } ?? 0
    /// The last minutes, without faults, in which the growth of the replicas is measured. A shorter soak has none.
    static let steadyMinutes = minutes < 4 ? 0 : max(2, minutes / 4)
    private static let seed = ProcessInfo.processInfo.environment["SOAK_SEED"].flatMap { UInt64($0) } ?? 1
    /// A library that gives a program another wall clock; if it is not set, no replica's clock is wrong.
    private static let fakeTime = ProcessInfo.processInfo.environment["LIBFAKETIME"]

    private static let idle = Duration.seconds(10)
    /// The grace that the service requires with this idle time-out.
    private static let outageGrace = Duration.seconds(14)
    /// Longer than the idle time-out.
    private static let outage = Duration.seconds(14)
    private static let killPause = Duration.seconds(3)
    /// How long replicas may take after an outage until their requests and watches work again. Requests that hang have
    /// their own limits.
    private static let recovery = Duration.seconds(6)
    private static let lookInterval = Duration.milliseconds(250)

    let load: SoakLoad
    private let cluster: SoakCluster
    private let runs: [RunID]
    private let folder: URL
    private let proxy = LaggingProxy()
    private let time = MonotonicTime(ContinuousClock())
    private let random = SeededRandom(seed: Soak.seed)
    private let counts = Mutex((kills: 0, outages: 0, updates: 0))
    private let usage = Mutex<[Int: SoakUsage]>([:])
    private let replicas = Mutex<[(process: ReplicaProcess, readySince: Date)]>([])

    init(_ cluster: SoakCluster, _ runs: [RunID], folder: URL) throws {
        self.cluster = cluster
        self.runs = runs
        self.folder = folder
        load = SoakLoad(proxy: proxy, outageGrace: Self.outageGrace)
        try PrivateFile.write(ServiceUnderTest.issuerKeyPEM.utf8, to: folder.appending(path: "key.pem").path)
    }

    func run() async throws {
        let core = PermissiveCoreAPI()
        try await core.run { corePort in
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                for number in 0..<3 { try await self.add(number, corePort, to: &group) }
                self.excuseRestartedReplicas()
                group.addTask { try await self.proxy.watch() }
                group.addTask { try await self.compareWithTheCluster() }
                group.addTask { try await self.sampleTheReplicas() }
                for (number, run) in self.runs.dropFirst(2).enumerated() {
                    group.addTask { try await self.load.viewer(of: run, seed: Self.seed &+ UInt64(number)) }
                }
                group.addTask { try await self.load.agent(of: self.runs[1]) }
                group.addTask { try await self.load.approver(of: self.runs[1]) }
                group.addTask { try await self.load.permanentViewers(of: self.runs[0]) }
                let end = self.time.uptime() + .seconds(60 * (Self.minutes - Self.steadyMinutes))
                repeat { try await self.cycle(corePort, &group) } while self.time.uptime() < end
                self.load.setStrict(true)
                try await self.time.sleep(.seconds(60 * Self.steadyMinutes))
                self.load.end()
                try await self.waitForTheEnd()
            }
        }
    }

    /// One cycle of faults: kills, an outage, a rolling update.
    private func cycle(_ corePort: Int, _ group: inout ThrowingTaskGroup<Void, any Error>) async throws {
        for _ in 0..<2 {
            try await time.sleep(Self.killPause)
            let victim = replicas.withLock { $0.remove(at: Int(random.next() % UInt64($0.count))) }.process
            victim.failNow()
            counts.withLock { $0.kills += 1 }
            excuseRestartedReplicas()
            try await add(victim.number, corePort, to: &group)
        }
        load.update { $0.recordOutage(until: Date() + Self.outage + Self.recovery) }
        cluster.proxy.muteAllConnections()
        try await time.sleep(Self.outage)
        cluster.proxy.forwardNewConnections()
        load.update { $0.recordOutage(until: Date() + Self.recovery) }
        counts.withLock { $0.outages += 1 }
        // Callers from the time of the outage get their error within the time limit; then everything works.
        try await waitUntilStartsSucceed()
        load.setStrict(true)
        for old in replicas.withLock({ $0.map(\.process) }) {
            try await add(old.number, corePort, to: &group)
            old.signalStop()
            _ = try await old.waitUntilEnded()
            replicas.withLock { $0.removeAll { $0.process === old } }
            excuseRestartedReplicas()
        }
        load.setStrict(false)
        counts.withLock { $0.updates += 1 }
    }

    /// A replica reaps nothing for idleness during the grace after its start, and even the oldest replica may have just
    /// started.
    private func excuseRestartedReplicas() {
        guard let first = replicas.withLock({ $0.map(\.readySince).min() }) else { return }
        load.update { $0.recordOutage(until: first) }
    }

    private func waitUntilStartsSucceed() async throws {
        // A request that has hung since the outage is answered within 10 s of its start.
        try await time.sleep(.seconds(3))
        let request = PersistentConnection.request(
            "POST",
            "/api/runs/\(runs[0].text)/sandbox/port-forward",
            body: #"{"target_port": 3000}"#,
            bearer: ServiceUnderTest.owner
        )
        var successes = 0
        let works: Bool? = try await poll(every: .milliseconds(200), limit: .seconds(40)) {
            successes = await proxy.forward(request).status == 200 ? successes + 1 : 0
            // Enough for each replica in turn.
            return successes >= 6 ? true : nil
        }
        guard works == true else { throw DevClusterFailure("starts did not work again after the outage") }
        // Until then a caller may still wait for the response to a request from the time of the outage.
        try await time.sleep(.seconds(4))
    }

    private func add(
        _ number: Int,
        _ corePort: Int,
        to group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws {
        var settings = ServiceUnderTest.settings(issuerKey: folder.appending(path: "key.pem").path)
        settings.merge([
            "KUBECONFIG": cluster.replicasKubeconfig, "Agentweaver__ApiBaseUrl": "http://127.0.0.1:\(corePort)",
            "Router__Enabled": "true", "Server__DrainSeconds": "5", "Server__RequestsPerSecond": "100000",
            "Server__RequestBurst": "100000", "Sandbox__Preview__IdleTimeoutMinutes": "\(Self.idle / .seconds(60))",
            "Sandbox__Preview__OutageGraceSeconds": "\(Int(Self.outageGrace / .seconds(1)))",
            "Sandbox__Preview__SweepIntervalSeconds": "2", "Sandbox__Preview__KeepaliveCoalesceSeconds": "0",
            "Sandbox__Preview__MaxConcurrentSessionsPerRun": "100",
            "Sandbox__Preview__MaxConcurrentSessionsGlobal": "400",
        ]) { $1 }
        // The replica with this number has a clock that is ten minutes ahead, after every start.
        var launcher: [String] = []
        if number == 0, let library = Self.fakeTime {
            settings.merge(["LD_PRELOAD": library, "FAKETIME": "+10m", "DONT_FAKE_MONOTONIC": "1"]) { $1 }
            // The library moves the environment of the first program that loads it, and a Swift program then does not
            // find its arguments.
            launcher = ["/usr/bin/env"]
        }
        let log = folder.appending(path: "replica-\(number).log").path
        let replica = try ReplicaProcess(settings: settings, log: log, launcher: launcher, number: number)
        group.addTask { try await replica.run() }
        try await replica.waitUntilReady()
        replicas.withLock { $0.append((replica, Date())) }
        await proxy.add(replica)
    }

    // MARK: Observation

    private func compareWithTheCluster() async throws {
        while true {
            let begun = Date()
            let routes = try await cluster.routes(agentsPort: SoakLoad.agentsPort)
            let now = Date()
            load.update { $0.compare(routes, from: begun, to: now) }
            try await time.sleep(Self.lookInterval)
        }
    }

    private func sampleTheReplicas() async throws {
        while true {
            let second = time.uptime() / .seconds(1)
            for replica in replicas.withLock({ $0.map(\.process) }) {
                guard let id = replica.id, let sample = SoakUsage.sample(of: id, at: second) else { continue }
                usage.withLock { $0[replica.port, default: SoakUsage()].add(sample) }
            }
            try await time.sleep(.seconds(1))
        }
    }

    /// No more pings arrive: every preview must end by itself.
    private func waitForTheEnd() async throws {
        let limit = Self.idle + Self.outageGrace + SoakExpectations.lateness + .seconds(4)
        _ = try await poll(every: .milliseconds(250), limit: limit) {
            try await cluster.objectCount() == 0 ? true : nil
        }
    }

    // MARK: Results

    /// The figures that grew by more than their limit.
    var excessiveGrowth: [String] {
        growth.filter { $0.slope > $0.limit && $0.slope * $0.minutes > SoakUsage.poolGrowth }.map {
            "port \($0.port): \($0.name) grew by \($0.slope) a minute"
        }
    }

    var growth: [(port: Int, name: String, slope: Double, minutes: Double, limit: Double)] {
        usage.withLock(\.self).sorted { $0.key < $1.key }.flatMap { port, usage in
            SoakUsage.limits.compactMap { limit in
                usage.growth(limit.value).map { (port, limit.name, $0.perMinute, $0.minutes, limit.perMinute) }
            }
        }
    }

    var summary: String {
        let expectations = load.expectations
        let counts = counts.withLock(\.self)
        var lines = [
            """
            soak on the \(cluster.place) API server, seed \(Self.seed), \
            \(Self.fakeTime == nil ? "no clock ahead (LIBFAKETIME is not set)" : "one clock 10 min ahead"): \
            \(counts.kills) kills, \(counts.outages) outages, \(counts.updates) rolling updates
            """,
            """
            \(expectations.starts) starts, \(expectations.pings) pings, \(expectations.stops) stops, \(expectations.ends) ends; answers \
            \(load.statuses.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")); \
            \(expectations.violations.count) violations, \(load.failures.count) failures in rolling updates
            """,
        ]
        lines += growth.map {
            "port \($0.port): \($0.name) \($0.slope.formatted(.number.precision(.fractionLength(2)))) a minute, limit \($0.limit)"
        }
        return lines.joined(separator: "\n")
    }
}

/// A core API in which every run exists and belongs to the caller.
private struct PermissiveCoreAPI: Sendable {
    func run(_ body: @escaping @Sendable (_ port: Int) async throws -> Void) async throws {
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { _, _ in
                Response(
                    status: .ok,
                    headers: [.contentType: "application/json"],
                    body: ResponseBody(
                        byteBuffer: ByteBuffer(string: #"{"status": "in_progress", "auto_approve_tools": false}"#)
                    )
                )
            },
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { source.yield($0.localAddress?.port ?? 0) },
            logger: .silent
        )
        try await withService(application) { try await body(await ports.first { _ in true } ?? 0) }
    }
}
