import Basics
public import HTTPTransport
import Synchronization

/// Creates a transport for a server's trust and a client certificate.
public typealias TransportFactory = @Sendable (TransportSecurity) throws -> any HTTPTransport

/// Stores the transport for the current client certificate and the current authorities.
///
/// When an exec plugin rotates the certificate, or the file of the authorities changes, a new transport replaces the
/// old one; requests in progress use the old one until they end.
final class TransportPool: Sendable {
    /// How long authorities read from a file are used before the file is read again.
    static let authoritiesLifetime = CredentialStore.tokenFileLifetime

    private struct Entry {
        let security: TransportSecurity
        let transport: any HTTPTransport
    }

    private struct State {
        var trust: ServerTrust
        /// When the file of the authorities was read.
        var readAt = Duration.zero
        var entry: Entry?
    }

    private let authoritiesPath: String?
    private let elapsed: @Sendable () -> Duration
    private let make: TransportFactory
    private let state: Mutex<State>

    /// - Parameter clock: Measures the age of the content of the file of the authorities.
    init(_ configuration: ClusterConfiguration, clock: any Clock<Duration>, make: @escaping TransportFactory) {
        authoritiesPath = configuration.authoritiesPath
        elapsed = clock.stopwatch()
        self.make = make
        state = Mutex(State(trust: configuration.trust))
    }

    /// The transport for a request with `credential`.
    ///
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` if none can be made.
    func transport(for credential: Credential) throws -> any HTTPTransport {
        try state.withLock { state in
            refreshAuthorities(&state)
            let security = TransportSecurity(trust: state.trust, clientCertificate: credential.clientCertificate)
            if let entry = state.entry, entry.security == security { return entry.transport }
            do {
                let transport = try make(security)
                state.entry = Entry(security: security, transport: transport)
                return transport
            } catch let error as TransportError {
                throw KubernetesError(.configuration, "the transport cannot be created: \(error.message)")
            }
        }
    }

    /// Reads the file of the authorities again if its content is old; if it cannot be read, the last ones remain in use.
    private func refreshAuthorities(_ state: inout State) {
        guard let authoritiesPath else { return }
        let now = elapsed()
        guard now - state.readAt >= Self.authoritiesLifetime else { return }
        state.readAt = now
        guard let text = try? SmallFile.read(authoritiesPath, maxBytes: Kubeconfig.maxFileBytes),
            Self.holdsWholeCertificates(text)
        else { return }
        state.trust.authoritiesPEM = text
    }

    /// False for a file that is being written in place.
    private static func holdsWholeCertificates(_ text: String) -> Bool {
        let begun = text.ranges(of: "-----BEGIN CERTIFICATE-----").count
        return begun > 0 && begun == text.ranges(of: "-----END CERTIFICATE-----").count
    }
}

/// The result of one attempt of a request, for metrics.
public struct RequestObservation: Hashable, Sendable {
    /// The verb.
    public let verb: RequestVerb
    /// The resource's plural, or a constant word for requests without one.
    public let resource: String
    /// The HTTP status code, if there was a response.
    public let statusCode: Int?
    /// `ok`, the label of the error's kind, or `cancelled` if the caller disconnected before there was a response.
    public let outcome: String
    /// The time from sending the request to the end of its response; for a watch, to the response's head.
    public let duration: Duration
}

/// The verb of a request.
public enum RequestVerb: String, Hashable, Sendable, CaseIterable {
    case get, list, create, patch, delete, watch
    /// Discovery, and requests for the time.
    case probe

    /// Whether the request changes nothing.
    var isRead: Bool {
        switch self {
        case .get, .list, .watch, .probe: true
        case .create, .patch, .delete: false
        }
    }
}

/// Is called after every attempt of every request, on the requesting task; it must not block.
public typealias RequestObserver = @Sendable (RequestObservation) -> Void

/// Is called after every request that failed and is not retried, on the requesting task; it must not block. Cancelled
/// requests are excluded.
public typealias FailureObserver = @Sendable (KubernetesError) -> Void
