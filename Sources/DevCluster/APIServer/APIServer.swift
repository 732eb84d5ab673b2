import DevelopmentCertificates
import FoundationEssentials
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A Kubernetes API server on loopback over an ``ObjectStore``, as a real one is with `--disable-http2-serving`.
///
/// libcurl before 8.1 resets every HTTP/2 stream that it has read to the end. A real server takes no notice; swift-nio's
/// counts resets, closes the connection at 200 in 30 s, and lets nobody set that number through Hummingbird.
///
/// It keeps nothing but what the store holds; when it stops, the store stays.
package final class APIServer: Service {
    /// Who decides what users may do.
    package enum AuthorizationMode: Sendable, Hashable {
        /// Everybody with a known token may do everything.
        case alwaysAllow
        /// The roles and bindings in the store decide.
        case rbac
    }

    package struct Configuration: Sendable {
        /// The port on 127.0.0.1; zero lets the system choose.
        package var port = 0
        /// Who may speak to the server. The first one is the administrator whom ``kubeconfig()`` is for.
        package var users: [APIUser]
        package var authorizationMode = AuthorizationMode.alwaysAllow
        /// The time between the bookmarks of a watch that asked for some.
        package var bookmarkInterval = Duration.seconds(60)
        /// Runs the time limits of watches.
        package var clock: any Clock<Duration> = ContinuousClock()
        /// False leaves garbage where it is, so that a test can collect it itself.
        package var collectsGarbage = true

        /// - Parameter users: Who may speak to the server; an administrator with a new token by default.
        package init(users: [APIUser] = [Self.newAdministrator()]) {
            self.users = users
        }

        /// An administrator with a random token.
        package static func newAdministrator() -> APIUser {
            APIUser(
                name: "devcluster-admin",
                groups: [APIUser.administrators],
                token: "\(UUID().uuidString)\(UUID().uuidString)".lowercased()
            )
        }
    }

    /// Why the server has no address.
    package struct NotListening: Error, CustomStringConvertible {
        package var description: String { "the API server does not listen" }
    }

    package let store: ObjectStore
    package let configuration: Configuration
    /// What goes wrong; empty at first.
    package let faults = FaultPlan()
    /// What was asked so far.
    package let requestLog = RequestLog()
    /// The certificate of the authority to trust, in PEM.
    package let authorityPEM: String

    let handler: RequestHandler
    private let identity: CertificateAuthority.Identity
    private let port = Mutex<Int?>(nil)
    private let listener = Mutex<(any Channel)?>(nil)
    private let listening = Gate()

    /// Makes a server that listens once it runs.
    ///
    /// - Throws: When no certificate can be made.
    package init(configuration: Configuration = Configuration(), store: ObjectStore = ObjectStore()) throws {
        self.configuration = configuration
        self.store = store
        handler = RequestHandler(
            store: store,
            users: configuration.users,
            authorizationMode: configuration.authorizationMode
        )
        let authority = try CertificateAuthority(commonName: "preview-devcluster authority")
        authorityPEM = authority.certificatePEM
        identity = try authority.issue(
            dnsNames: ["localhost", "kubernetes.default.svc", "kubernetes.default", "kubernetes"],
            addresses: [[127, 0, 0, 1]]
        )
    }

    /// `https://127.0.0.1:port`, once the server listens.
    ///
    /// - Throws: ``NotListening`` when it ended before.
    package func address() async throws -> String {
        await listening.pass()
        guard let port = port.withLock({ $0 }) else { throw NotListening() }
        return "https://127.0.0.1:\(port)"
    }

    /// A kubeconfig with everything in it, as `kubectl` and every other client reads it.
    ///
    /// - Parameters:
    ///   - user: Who it is for; the administrator by default. The text holds the token.
    ///   - namespace: The namespace for commands that name none.
    package func kubeconfig(for user: APIUser? = nil, namespace: String = "default") async throws -> String {
        guard let user = user ?? configuration.users.first else { throw NotListening() }
        let authority = Data(authorityPEM.utf8).base64EncodedString()
        return """
            apiVersion: v1
            kind: Config
            current-context: devcluster
            clusters:
            - name: devcluster
              cluster:
                server: \(try await address())
                certificate-authority-data: \(authority)
            users:
            - name: \(user.name)
              user:
                token: \(user.token)
            contexts:
            - name: devcluster
              context:
                cluster: devcluster
                user: \(user.name)
                namespace: \(namespace)

            """
    }

    /// How long connections that were accepted last have until they are served.
    private static let acceptanceTime = Duration.milliseconds(20)

    /// Accepts no more connections, and returns when those that were accepted are served. The server goes on with them.
    ///
    /// It has to come before a cancellation of ``run()``: SwiftNIO's server traps when it is cancelled while it holds a
    /// connection that nobody has taken yet (https://github.com/apple/swift-nio/issues/2637).
    func stopListening() async {
        guard let channel = listener.withLock({ $0.take() }) else { return }
        try? await channel.close()
        try? await Task.sleep(for: Self.acceptanceTime)
    }

    /// Serves until the task is cancelled or a graceful shutdown begins.
    package func run() async throws {
        defer {
            port.withLock { $0 = nil }
            listening.open()
        }
        let tls = try TLSServerContext(identity)
        var logger = Logger(label: "devcluster.apiserver")
        // Hummingbird reports the cancellation by which this server is stopped as an error.
        logger.logLevel = .critical
        let builder = HTTPServerBuilder { TLSServerChannel(base: HTTP1Channel(responder: $0), context: tls) }
        let server = try builder.buildServer(
            configuration: ServerConfiguration(address: .hostname("127.0.0.1", port: configuration.port)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            responder: { [self] request, writer, channel in
                try await respond(to: request, writer, channel)
            },
            onServerRunning: { [self] channel in
                listener.withLock { $0 = channel }
                port.withLock { $0 = channel.localAddress?.port }
                listening.open()
            }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            if configuration.collectsGarbage {
                group.addTask { [store] in await store.runGarbageCollection() }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}

/// Runs an API server while `body` runs.
///
/// - Parameters:
///   - configuration: How it behaves.
///   - store: What it serves.
///   - body: Gets the server once it listens.
package func withAPIServer<Result: Sendable>(
    configuration: APIServer.Configuration = APIServer.Configuration(),
    store: ObjectStore = ObjectStore(),
    _ body: @Sendable (APIServer) async throws -> Result
) async throws -> Result {
    let server = try APIServer(configuration: configuration, store: store)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        let result: Swift.Result<Result, any Error>
        do {
            _ = try await server.address()
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        await server.stopListening()
        group.cancelAll()
        return try result.get()
    }
}
