internal import CurlHTTP

extension CurlConfiguration {
    /// How long a probe may take to reach a gateway. An address that cannot be tried from here costs a start not much more.
    private static let longestConnecting = Duration.seconds(1)
    /// A first page may take 10 s to compile; its request must not be sent again meanwhile.
    private static let longestSilence = Duration.seconds(60)

    /// For opening previews as a browser would.
    static func probing(maxConnections: Int) -> CurlConfiguration {
        CurlConfiguration(
            connectTimeout: longestConnecting,
            maxSilence: longestSilence,
            maxConnections: maxConnections
        )
    }
}
