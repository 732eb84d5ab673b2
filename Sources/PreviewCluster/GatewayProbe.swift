public import HTTPTransport
internal import HTTPTypes
public import PreviewControl
public import PreviewDomain

/// Opens a preview through its public address.
public struct GatewayProbe: PreviewProbe {
    private let transport: any HTTPTransport
    private let address: PreviewAddress

    /// How long one probe may take.
    private static let timeout = Duration.seconds(2)
    /// Envoy, the proxy inside the gateway, adds this to what an app answered and never to its own answers.
    private static let upstreamTime = HTTPField.Name("x-envoy-upstream-service-time")

    /// - Parameters:
    ///   - transport: Trusts what a browser trusts; it sends no credentials.
    ///   - address: How a token becomes a URL.
    public init(transport: any HTTPTransport, address: PreviewAddress) {
        self.transport = transport
        self.address = address
    }

    public func probe(_ token: PreviewToken) async -> ProbeOutcome {
        let port = address.port.map { ":\($0)" } ?? ""
        let request = TransportRequest(
            head: HTTPRequest(
                method: .get,
                scheme: address.scheme.rawValue,
                authority: address.host(token).value + port,
                path: "/"
            ),
            timeout: Self.timeout
        )
        do {
            return try await transport.withResponse(to: request) { response in
                let isFromApp = Self.upstreamTime.map { response.head.headerFields[$0] != nil } ?? false
                return switch response.head.status.code {
                case 404 where !isFromApp: .unrouted
                case 502...504 where !isFromApp: .noApp(status: response.head.status.code)
                default: .answered(status: response.head.status.code)
                }
            }
        } catch let error as TransportError {
            return .unreachable(reason: Self.reason(error.kind))
        } catch {
            return .unreachable(reason: "the attempt was interrupted")
        }
    }

    /// Words for the kind alone: the transport's own message names the host, which holds the token.
    private static func reason(_ kind: TransportError.Kind) -> String {
        switch kind {
        case .connect, .refused: "no connection to it could be made"
        case .tls: "its certificate is not trusted here"
        case .timedOut: "it did not answer in time"
        case .cancelled, .protocolViolation, .bodyTooLarge, .invalidRequest: "its answer could not be read"
        }
    }
}
