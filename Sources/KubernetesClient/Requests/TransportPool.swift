public import HTTPTransport
import Synchronization

/// Creates a transport for a server's trust and a client certificate.
public typealias TransportFactory = @Sendable (TransportSecurity) throws -> any HTTPTransport

/// Stores the transport for the current client certificate.
///
/// When an exec plugin rotates the certificate, a new transport replaces the old one; requests in progress use the old
/// one until they end.
final class TransportPool: Sendable {
    private struct Entry {
        let security: TransportSecurity
        let transport: any HTTPTransport
    }

    private let trust: ServerTrust
    private let make: TransportFactory
    private let current = Mutex<Entry?>(nil)

    init(trust: ServerTrust, make: @escaping TransportFactory) {
        self.trust = trust
        self.make = make
    }

    /// The transport for a request with `credential`.
    ///
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` if none can be made.
    func transport(for credential: Credential) throws -> any HTTPTransport {
        let security = TransportSecurity(trust: trust, clientCertificate: credential.clientCertificate)
        return try current.withLock { current in
            if let current, current.security == security { return current.transport }
            do {
                let transport = try make(security)
                current = Entry(security: security, transport: transport)
                return transport
            } catch let error as TransportError {
                throw KubernetesError(.configuration, "the transport cannot be created: \(error.message)")
            }
        }
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
