import CCurl
import CurlHTTP
import DevelopmentCertificates
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Hummingbird
import TestSupport

/// A request to a peer on loopback, with a time limit that only a broken transport reaches.
func request(
    _ method: HTTPRequest.Method = .get,
    to authority: String,
    _ path: String = "/",
    scheme: String = "https",
    fields: HTTPFields = [:],
    body: [UInt8] = [],
    timeout: Duration? = .seconds(60),
    headTimeout: Duration? = nil
) -> TransportRequest {
    TransportRequest(
        head: HTTPRequest(method: method, scheme: scheme, authority: authority, path: path, headerFields: fields),
        body: body,
        timeout: timeout,
        headTimeout: headTimeout
    )
}

extension CurlHTTP.TLSConfiguration {
    /// Trusts only `certificates`.
    static func trusting(_ certificates: CertificateAuthority) -> Self {
        Self(caPEM: Array(certificates.certificatePEM.utf8))
    }
}

extension CertificateAuthority.Identity {
    /// The identity as the transport expects it.
    var client: CurlHTTP.TLSConfiguration.ClientIdentity {
        .init(certificatePEM: Array(certificatePEM.utf8), privateKeyPEM: Array(privateKeyPEM.utf8))
    }
}

/// The kind of the ``TransportError`` that `body` throws; `nil` if it throws none.
func kindOfError(_ body: () async throws -> Void) async -> TransportError.Kind? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? TransportError)?.kind
    }
}

/// The number of descriptors that this process has open.
func openDescriptorCount() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}

/// The limits in milliseconds (`TCP_USER_TIMEOUT`) of the connections that this process has made to a port.
func unacknowledgedTimeLimits(ofConnectionsTo port: Int) -> [UInt32] {
    (0..<Int32(4_096)).compactMap { descriptor in
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let hasPeer = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) == 0 }
        }
        guard hasPeer, Int(UInt16(bigEndian: address.sin_port)) == port else { return nil }
        var limit: UInt32 = 0
        length = socklen_t(MemoryLayout<UInt32>.size)
        let code = getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &limit, &length)
        return code == 0 ? limit : nil
    }
}

/// Sends nothing until the client gives up.
func waitUntilTheClientGivesUp(_ request: Request) async throws {
    try await request.body.consumeWithCancellationOnInboundClose { _ in
        let (silence, continuation) = AsyncStream.makeStream(of: Never.self)
        for await _ in silence {}
        continuation.finish()
    }
}
