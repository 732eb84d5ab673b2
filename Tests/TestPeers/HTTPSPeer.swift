public import DevelopmentCertificates
public import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// A real HTTP server on loopback, in this process, that counts its connections.
public final class HTTPSPeer: Sendable {
    /// The protocols that a peer serves.
    public enum Protocols: Sendable {
        case plainHTTP1
        case http1
        /// HTTP/2, and HTTP/1.1 for clients that do not offer it.
        case http2
    }

    /// The peer's configuration below HTTP.
    public struct Configuration: Sendable {
        public var protocols: Protocols
        public var identity: CertificateAuthority.Identity?
        /// The authority that must have signed the client's certificate; `nil` requests no client certificate.
        public var clientAuthorityPEM: String?
        public var tlsVersions: ClosedRange<Int>

        /// Creates a configuration.
        ///
        /// - Parameters:
        ///   - protocols: The protocols to serve.
        ///   - identity: The peer's certificate and key; required for everything except plain HTTP.
        ///   - clientAuthorityPEM: The authority that must have signed the client's certificate.
        ///   - tlsVersions: The accepted minor versions of TLS 1.
        public init(
            _ protocols: Protocols,
            identity: CertificateAuthority.Identity? = nil,
            clientAuthorityPEM: String? = nil,
            tlsVersions: ClosedRange<Int> = 2...3
        ) {
            self.protocols = protocols
            self.identity = identity
            self.clientAuthorityPEM = clientAuthorityPEM
            self.tlsVersions = tlsVersions
        }
    }

    /// Answers a request.
    public typealias Responder = @Sendable (Request, Context) async throws -> Response

    /// The connection or HTTP/2 stream of a request.
    public struct Context: RequestContext {
        public var coreContext: CoreRequestContextStorage
        private let eventLoop: any EventLoop

        public init(source: ApplicationRequestContextSource) {
            coreContext = CoreRequestContextStorage(source: source)
            eventLoop = source.channel.eventLoop
        }

        /// Waits until the event loop has seen all writes so far. Only then does a connection with full buffers delay
        /// the next write: a writer on another thread can be ahead of the event loop by any amount.
        public func flushWrites() async throws {
            try await eventLoop.submit {}.get()
        }
    }

    /// The port on 127.0.0.1.
    public let port: Int
    private let connections: ConnectionCounter

    private init(port: Int, connections: ConnectionCounter) {
        self.port = port
        self.connections = connections
    }

    /// `127.0.0.1:port`.
    public var authority: String { "127.0.0.1:\(port)" }

    /// The number of connections accepted so far.
    public var connectionCount: Int { connections.count.withLock { $0 } }

    /// Runs a peer while `body` runs, and then until its last request has ended.
    ///
    /// - Parameters:
    ///   - configuration: The configuration below HTTP.
    ///   - responder: Answers every request.
    ///   - body: Uses the peer.
    public static func run<Result: Sendable>(
        _ configuration: Configuration,
        responder: @escaping Responder,
        _ body: @Sendable (HTTPSPeer) async throws -> Result
    ) async throws -> Result {
        let connections = ConnectionCounter()
        var logger = Logger(label: "peer")
        logger.logLevel = .critical
        return try await LoopbackServer.run { [logger] onRunning in
            Application(
                responder: CallbackResponder<Context>(callback: responder),
                server: server(configuration, connections: connections),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: onRunning,
                logger: logger
            )
        } _: { port, _ in
            try await body(HTTPSPeer(port: port, connections: connections))
        }
    }

    private static func server(_ configuration: Configuration, connections: ConnectionCounter) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            let http1 = HTTP1Channel(responder: responder)
            switch configuration.protocols {
            case .plainHTTP1:
                return CountingChannel(base: http1, counter: connections)
            case .http1:
                let channel = try TLSChannel(http1, tlsConfiguration: tlsConfiguration(configuration))
                return CountingChannel(base: channel, counter: connections)
            case .http2:
                let tls = try tlsConfiguration(configuration)
                let channel = try HTTP2UpgradeChannel(tlsConfiguration: tls, responder: responder)
                return CountingChannel(base: channel, counter: connections)
            }
        }
    }

    private static func tlsConfiguration(_ configuration: Configuration) throws -> NIOSSL.TLSConfiguration {
        let identity = configuration.identity
        let certificates = try NIOSSLCertificate.fromPEMBytes(Array((identity?.certificatePEM ?? "").utf8))
        let key = try NIOSSLPrivateKey(bytes: Array((identity?.privateKeyPEM ?? "").utf8), format: .pem)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        tls.minimumTLSVersion = version(configuration.tlsVersions.lowerBound)
        tls.maximumTLSVersion = version(configuration.tlsVersions.upperBound)
        if let authorityPEM = configuration.clientAuthorityPEM {
            tls.certificateVerification = .noHostnameVerification
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authorityPEM.utf8)))
        }
        return tls
    }

    private static func version(_ minor: Int) -> TLSVersion {
        switch minor {
        case 0: .tlsv1
        case 1: .tlsv11
        case 2: .tlsv12
        default: .tlsv13
        }
    }
}
