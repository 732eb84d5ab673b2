import Hummingbird
import Logging
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

/// The service's HTTP side on loopback, over a simulated cluster whose time stands still.
struct MCPServiceUnderTest: Sendable {
    static let key = "a-users-token-for-tests"
    static let run = "3f2a9c1e-0000-4000-8000-000000000001"

    let cluster = SimulatedCluster()
    /// Paces what is sent to clients that wait.
    let clock = ManualClock()
    let gate: AgentPreviewGate
    private let api: PreviewAPI

    init(approvals: ApprovalPolicy) async throws {
        let time = MonotonicTime(ManualClock())
        let timeline = RecordingTimeline()
        let policy = PreviewPolicy(
            isEnabled: true,
            ports: PortPolicy(),
            limits: PreviewLimits(perRun: 3, global: 20),
            lifetime: LifetimePolicy(),
            orphanGrace: .seconds(120),
            sweepInterval: .seconds(60),
            readyTimeout: .zero
        )
        let brake = Brake(policy: policy, time: time)
        let index = PreviewIndex(policy: policy)
        let random = SeededRandom(seed: 7)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let previews = Previews(
            policy: policy,
            sandboxes: cluster,
            objects: cluster,
            clusterTime: cluster,
            probe: cluster,
            index: index,
            brake: brake,
            timeline: timeline,
            randomBytes: { random.bytes($0) },
            time: time,
            logger: logger
        )
        try await Reaper(
            policy: policy,
            index: index,
            feed: cluster,
            objects: cluster,
            clusterTime: cluster,
            brake: brake,
            timeline: timeline,
            time: time,
            logger: logger
        ).sweep()
        gate = AgentPreviewGate(
            policy: approvals,
            previews: previews,
            store: cluster,
            index: ApprovalIndex(),
            facts: nil,
            timeline: timeline
        )
        api = PreviewAPI(
            previews: previews,
            gate: gate,
            authenticator: Authenticator([OneUser(bearer: Secret(Self.key), name: "ada")]),
            access: RunAccess(ClaimAuthority(owners: SimulatedOwners(cluster: cluster), uptime: time.uptime)),
            address: PreviewAddress(zone: try ZoneSuffix("preview.example.com")),
            brake: brake,
            timeline: TimelineReader(sandboxes: cluster, log: SimulatedTimelineLog()),
            allowedOrigins: .none,
            time: MonotonicTime(clock)
        )
        cluster.addSandbox(for: try RunID(Self.run))
    }

    /// Serves while `body` runs.
    func serve(_ body: @escaping @Sendable (_ url: String) async throws -> Void) async throws {
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = api.application(
            address: .hostname("127.0.0.1", port: 0),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onRunning: { source.yield($0.localAddress?.port ?? 0) }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            let keeper = ApprovalKeeper(gate: gate, feed: SimulatedApprovalFeed(cluster), jitter: { 0 })
            group.addTask { try await keeper.run() }
            group.addTask { try await application.run() }
            for await port in ports {
                try await body("http://127.0.0.1:\(port)/mcp")
                break
            }
            group.cancelAll()
        }
    }
}

/// Knows one user, the assistant's.
private struct OneUser: CredentialVerifier {
    let bearer: Secret
    let name: String

    func verify(_ presented: Secret) async throws(AccessDenied) -> CredentialVerdict {
        presented == bearer ? .accepted(Caller(identity: name, role: .user)) : .notRecognized
    }
}

/// What the platform wrote on the claims of a simulated cluster.
private struct SimulatedOwners: RunOwners {
    let cluster: SimulatedCluster

    func owner(of run: RunID) async throws(AccessDenied) -> String? { cluster.owner(of: run) }
}
