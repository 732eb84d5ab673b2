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
