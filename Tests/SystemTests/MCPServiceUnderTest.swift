import Basics
import Hummingbird
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

/// The service's HTTP side on loopback, over a simulated cluster with manual time.
struct MCPServiceUnderTest: Sendable {
    static let key = "a-users-token-for-tests"
    static let run = "3f2a9c1e-0000-4000-8000-000000000001"

    let cluster = SimulatedCluster()
    /// Times the messages to waiting clients.
    let clock = ManualClock()
    /// Times the waits of the use cases.
    let controlClock = ManualClock()
    private let core: ReplicaCore
    private let api: PreviewAPI

    var gate: AgentPreviewGate { core.gate }

    init(approvals: ApprovalPolicy) async throws {
        let time = MonotonicTime(controlClock)
        let random = SeededRandom(seed: 7)
        core = ReplicaCore(
            cluster.ports,
            policy: .testing(),
            approvalPolicy: approvals,
            timeline: RecordingTimeline(),
            time: time,
            randomBytes: { random.bytes($0) },
            jitter: { 0 },
            logger: .silent
        )
        try await core.reaper.sweep()
        api = PreviewAPI(
            core: core,
            authenticator: Authenticator([OneUser(bearer: Secret(Self.key), name: "ada")]),
            access: RunAccess(ClaimAuthority(owners: cluster, uptime: time.uptime)),
            address: PreviewAddress(zone: try ZoneSuffix("preview.example.com")),
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
            logger: .silent,
            onRunning: { source.yield($0.localAddress?.port ?? 0) }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await core.mirrorRunner.run() }
            group.addTask { try await core.approvalExpiry.run() }
            group.addTask { try await application.run() }
            for await port in ports {
                try await body("http://127.0.0.1:\(port)/mcp")
                break
            }
            group.cancelAll()
        }
    }
}

/// Accepts the credentials of one user.
private struct OneUser: CredentialVerifier {
    let bearer: Secret
    let name: String

    func verify(_ presented: Secret) async throws(AccessDenied) -> VerificationResult {
        presented == bearer ? .accepted(Caller(identity: name, role: .user)) : .notRecognized
    }
}
