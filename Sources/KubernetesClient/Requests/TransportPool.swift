public import HTTPTransport
import Synchronization

/// Makes a transport for a server's trust and a client certificate.
public typealias TransportFactory = @Sendable (TransportSecurity) throws -> any HTTPTransport

/// Keeps the transport for the current client certificate.
///
/// When an exec plugin rotates the certificate, a new transport takes the old one's place; requests under way keep the
/// old one until they end.
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

    /// The transport to send a request with `credential` on.
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
                throw KubernetesError(.configuration, "the transport cannot be made: \(error.message)")
            }
        }
    }
}

/// What became of one attempt of a request, for metrics.
public struct RequestObservation: Hashable, Sendable {
    /// What was asked.
    public let verb: RequestVerb
    /// The resource's plural, or a fixed word for requests that are about none.
    public let resource: String
    /// The HTTP status code, if there was an answer.
    public let statusCode: Int?
    /// `ok`, the label of the error's kind, or `cancelled` when the caller gave up before there was an answer.
    public let outcome: String
    /// The time from sending the request to the end of its answer; for a watch, to the answer's head.
    public let duration: Duration
}

/// What a request asks for.
public enum RequestVerb: String, Hashable, Sendable, CaseIterable {
    case get, list, create, patch, delete, watch
    /// Discovery, and questions for the time.
    case probe

    /// Whether the request changes nothing.
    var isRead: Bool {
        switch self {
        case .get, .list, .watch, .probe: true
        case .create, .patch, .delete: false
        }
    }
}

/// Gets told about every attempt of every request. Called on the requesting task; it must not block.
public typealias RequestObserver = @Sendable (RequestObservation) -> Void

/// Gets told about every request that failed for good, its retries included. Called on the requesting task; it must not
/// block. Cancelled requests are none.
public typealias FailureObserver = @Sendable (KubernetesError) -> Void
