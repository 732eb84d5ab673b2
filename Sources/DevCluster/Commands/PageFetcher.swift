import HTTPTransport
import HTTPTypes

/// Fetches pages as a browser on this machine does.
struct PageFetcher: Sendable {
    private static let responseLimit: Duration = .seconds(5)
    private static let maxPageBytes = 8_388_608

    let transport: any HTTPTransport

    /// Fetches `http://authority/`. Names under `localhost` resolve to 127.0.0.1 (RFC 6761).
    ///
    /// - Returns: The status and the body.
    func fetch(_ authority: String) async throws -> (status: Int, body: [UInt8]) {
        let request = TransportRequest(
            head: HTTPRequest(method: .get, scheme: "http", authority: authority, path: "/"),
            timeout: Self.responseLimit
        )
        let answer = try await transport.collect(request, maxBodyBytes: Self.maxPageBytes)
        return (answer.head.status.code, answer.body)
    }

    /// The host and the port of an `http` URL.
    static func authority(of url: String) -> String {
        String(url.trimmingPrefix("http://").prefix { $0 != "/" })
    }
}
