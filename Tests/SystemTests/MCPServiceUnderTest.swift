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
    let clock = ManualClock()
    let approval = ScriptedApproval()
    private let api: PreviewAPI

    init() async throws {
        let time = MonotonicTime(clock)
        let timeline = RecordingTimeline()
        let policy = PreviewPolicy(
            isEnabled: true,
            ports: PortPolicy(),
            limits: PreviewLimits(perRun: 3, global: 20),
            lifetime: LifetimePolicy(),
            orphanGrace: .seconds(120),
            // No reaper runs here, and minutes pass: the brake must not take it for one that fails.
            sweepInterval: .seconds(3600),
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
        api = PreviewAPI(
            previews: previews,
            gate: AgentPreviewGate(
                policy: ApprovalPolicy(),
                previews: previews,
                store: cluster,
                index: ApprovalIndex(),
                facts: nil,
                timeline: timeline
            ),
            authenticator: Authenticator([OneUser(bearer: Secret(Self.key), name: "ada")]),
            access: RunAccess(ClaimAuthority(owners: SimulatedOwners(cluster: cluster), uptime: time.uptime)),
            address: PreviewAddress(zone: try ZoneSuffix("preview.example.com")),
            brake: brake,
            timeline: TimelineReader(sandboxes: cluster, log: SimulatedTimelineLog()),
            allowedOrigins: .none,
            time: time
        )
        cluster.addSandbox(for: try RunID(Self.run))
    }

    /// Serves while `body` runs.
    func serve(_ body: @escaping @Sendable (_ url: String) async throws -> Void) async throws {
        let start = StartPreviewTool(
            start: { [approval, api] run, port, requester, onPending in
                try await approval.wait(onPending)
                return try await api.previews.start(run: run, port: port, requester: requester)
            },
            previews: api.previews,
            access: api.access,
            address: api.address
        )
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: api.router(offering: [start] + api.tools.filter { !($0 is StartPreviewTool) }).buildResponder(),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { source.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
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
