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

/// Uses a transport, then shuts it down.
public func withTransport<Result: Sendable>(
    _ configuration: CurlConfiguration = CurlConfiguration(),
    _ body: @Sendable (CurlTransport) async throws -> Result
) async throws -> Result {
    let transport = try CurlTransport(configuration: configuration)
    do {
        let result = try await body(transport)
        await transport.shutdown()
        return result
    } catch {
        await transport.shutdown()
        throw error
    }
}
