import ArgumentParser
import Basics
import DevCluster
import Foundation
import Hummingbird
import Logging
import NIOCore
import OpenSSLKit
import PreviewControl
import PreviewDomain
import PreviewIdentity
import PreviewServer
import TestPeers
import TestSupport

/// The service's whole HTTP API over a cluster in memory, and a bare Hummingbird route with a response of the same
/// size, on one event loop.
struct KeepaliveServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keepalive-server",
        abstract: "Serve keepalives, and a route that does nothing.",
        shouldDisplay: false
    )

    /// The ports of the two, and the requests to send them.
    struct Address: Codable, Sendable {
        let apiPort: Int
        let barePort: Int
        let path: String
        let bearer: String
    }

    private static let owner = "ada"
    private static let previews = 100

    func run() async throws {
        NIOSingletons.groupLoopCountSuggestion = 1
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let fixture = try await Fixture(owner: Self.owner, previews: Self.previews, logger: logger)
        let (ports, source) = AsyncStream.makeStream(of: (String, Int).self)
        let api = fixture.api.application(address: .hostname("127.0.0.1", port: 0), logger: logger) {
            source.yield(("api", $0.localAddress?.port ?? 0))
        }
        let router = Router()
        let body = try JSONEncoder().encode(
            ["token": fixture.token.text, "expires_at": RFC3339.string(Date()), "max_until": RFC3339.string(Date())]
        )
        router.post("api/runs/:runId/sandbox/preview/:token/keepalive") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/json; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(bytes: body))
            )
        }
        let bare = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { source.yield(("bare", $0.localAddress?.port ?? 0)) },
            logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fixture.feedIndex() }
            group.addTask { try await api.run() }
            group.addTask { try await bare.run() }
            var known: [String: Int] = [:]
            for await (name, port) in ports {
                known[name] = port
                if known.count == 2 { break }
            }
            try ParentLink.answer(
                Address(
                    apiPort: known["api"] ?? 0,
                    barePort: known["bare"] ?? 0,
                    path: "/api/runs/\(fixture.run.text)/sandbox/preview/\(fixture.token.text)/keepalive",
                    bearer: fixture.issuer.token(for: Self.owner)
                )
            )
            for await _ in ParentLink.questions() {}
            group.cancelAll()
        }
    }
}

/// The API and its parts.
private struct Fixture: Sendable {
    let api: PreviewAPI
    let run: RunID
    let token: PreviewToken
    let issuer = TokenIssuer()
    private let cluster = SimulatedCluster(now: Date())
    private let core: ReplicaCore

    init(owner: String, previews count: Int, logger: Logger) async throws {
        let time = MonotonicTime(ContinuousClock())
        run = try RunID("3f2a9c1e-0000-4000-8000-000000000001")
        cluster.addSandbox(for: run, owner: owner)
        core = ReplicaCore(
            cluster.ports,
            policy: .benchmark(),
            timeline: SilentTimeline(),
            time: time,
            randomBytes: { try CSPRNG.bytes($0) },
            logger: logger
        )
        let tokens = AccessTokenVerifier(
            issuer: TokenIssuer.name,
            audience: TokenIssuer.audience,
            keys: SingleVerificationKey(try PublicKey(pem: issuer.publicKeyPEM)),
            now: { Date() }
        )
        var limits = RequestLimits()
        // The load generator is one caller with the rate of many.
        limits.requestsPerSecond = 1_000_000
        limits.burst = 1_000_000
        api = PreviewAPI(
            core: core,
            authenticator: Authenticator([tokens]),
            access: RunAccess(ClaimAuthority(owners: cluster, uptime: time.uptime)),
            address: PreviewAddress(zone: try ZoneSuffix("preview.example.com")),
            timeline: TimelineReader(sandboxes: cluster, log: SimulatedTimelineLog()),
            allowedOrigins: .none,
            time: time,
            limits: limits
        )
        let sandbox = try await cluster.sandbox(of: run)
        token = try await Self.add(count, of: run, in: sandbox, to: cluster, owner)
    }

    func feedIndex() async throws { try await cluster.run { core.mirror.apply($0) } }

    private static func add(
        _ count: Int,
        of run: RunID,
        in sandbox: BoundSandbox,
        to cluster: SimulatedCluster,
        _ owner: String
    ) async throws -> PreviewToken {
        let runs = [
            Platform.Run(id: run, claimUID: sandbox.claim.uid, pod: sandbox.pod.name, podUID: sandbox.pod.uid)
        ]
        let population = try Population(count, of: runs)
        for blueprint in population.blueprints {
            _ = try await cluster.createService(for: blueprint)
            _ = try await cluster.createRoute(for: blueprint)
        }
        return population.tokens[0]
    }
}
