import ChannelTLS
import DevelopmentCertificates
import FoundationEssentials
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A Kubernetes API server on loopback over an ``ObjectStore``. It behaves like kube-apiserver with `--disable-http2-serving`.
///
/// There is no HTTP/2, because libcurl before 8.1 resets every HTTP/2 stream that it has read completely. kube-apiserver
/// ignores that; SwiftNIO closes the connection after 200 resets in 30 s, and Hummingbird does not let that limit be changed.
///
/// All state is in the store, which outlives the server.
package final class APIServer: Service {
    /// The rules by which users are authorised.
    package enum AuthorizationMode: Sendable, Hashable {
        /// Every user with a known token may do everything.
        case alwaysAllow
        /// The roles and bindings in the store apply.
        case rbac
    }

    /// The configuration of a server.
    package struct Configuration: Sendable {
        /// The port on 127.0.0.1; zero selects a free one.
        package var port = 0
        /// The users of the server. ``kubeconfig(for:namespace:)`` is for the first one by default.
        package var users: [APIUser]
        package var authorizationMode = AuthorizationMode.alwaysAllow
        /// The interval of bookmarks for watches that requested them.
        package var bookmarkInterval = Duration.seconds(60)
        /// The clock for the time limits of watches.
        package var clock: any Clock<Duration> = ContinuousClock()
        /// Whether the server collects garbage; false lets a test do it itself.
        package var collectsGarbage = true

        /// - Parameter users: The users of the server; an administrator with a random token by default.
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

    /// The server has no address, because it does not listen.
    package struct NotListening: Error, CustomStringConvertible {
        package var description: String { "the API server is not listening" }
    }

    package let store: ObjectStore
    package let configuration: Configuration
    /// The faults to inject; none at first.
    package let faults = FaultPlan()
    /// The requests so far, counted.
    package let requestLog = RequestLog()
    /// The certificate of the server's certificate authority, in PEM.
    package let authorityPEM: String

    let handler: RequestHandler
    private let identity: CertificateAuthority.Identity
    private let port = Mutex<Int?>(nil)
    private let listener = Mutex<(any Channel)?>(nil)
    private let listening = Latch()

    /// Creates a server. It listens when it runs.
    ///
    /// - Throws: An error if the certificate cannot be created.
    package init(configuration: Configuration, store: ObjectStore) throws {
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

    /// The address `https://127.0.0.1:port`. Waits until the server listens.
    ///
    /// - Throws: ``NotListening`` if the server has ended before.
    package func address() async throws -> String {
        await listening.wait()
        guard let port = port.withLock({ $0 }) else { throw NotListening() }
        return "https://127.0.0.1:\(port)"
    }

    /// A complete kubeconfig, with the authority and the token embedded.
    ///
    /// - Parameters:
    ///   - user: The user whose token it contains; the administrator by default.
    ///   - namespace: The default namespace.
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

    /// The time after which connections that were just accepted are being served.
    private static let acceptanceTime = Duration.milliseconds(20)

    /// Stops accepting connections, and returns when the accepted ones are being served. They continue.
    ///
    /// Call this before ``run()`` is cancelled: SwiftNIO traps if a server is cancelled while it holds an accepted connection
    /// that is not being served yet (https://github.com/apple/swift-nio/issues/2637).
    func stopListening() async {
        guard let channel = listener.withLock({ $0.take() }) else { return }
        try? await channel.close()
        try? await Task.sleep(for: Self.acceptanceTime)
    }

    /// Serves until the task is cancelled or a graceful shutdown begins.
    ///
    /// - Throws: An error if the server cannot listen.
    package func run() async throws {
        defer {
            port.withLock { $0 = nil }
            listening.open()
        }
        let tls = try TLSServerContext(
            certificatePEM: Array(identity.certificatePEM.utf8),
            privateKeyPEM: Array(identity.privateKeyPEM.utf8)
        )
        var logger = Logger(label: "devcluster.apiserver")
        // Hummingbird logs the cancellation that stops this server as an error.
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
///   - configuration: The configuration of the server.
///   - store: The objects to serve.
///   - body: Called with the server when it listens.
/// - Throws: An error of the server, or of `body`.
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
