public import CurlHTTP
public import KubernetesClient

extension CurlTransport {
    /// Creates a transport for requests to an API server.
    ///
    /// - Parameter trust: The authorities of the server's certificate.
    public convenience init(trust: ServerTrust, maxSilence: Duration = .seconds(3)) throws {
        try self.init(
            configuration: CurlConfiguration(
                tls: TLSConfiguration(caPEM: trust.authoritiesPEM.map { Array($0.utf8) }),
                maxSilence: maxSilence
            )
        )
    }
}
