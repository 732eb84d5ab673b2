internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewDomain

/// The body of a start: `{"target_port": 3000}`, or `targetPort`, as the web client spells it. The number may be a
/// string.
struct StartBody: Decodable {
    let targetPort: Int
    /// The host that the app receives; `nil` if the caller does not specify one.
    let hostHeader: HostHeader?

    private enum CodingKeys: String, CodingKey {
        case targetPort
        case targetPortInSnakeCase = "target_port"
        case hostHeader = "host_header"
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        // A member that is null is an error, unlike an absent one.
        let ports = try [.targetPort, .targetPortInSnakeCase].filter(members.contains).map { (key: CodingKeys) in
            try members.decode(IntegerOrString.self, forKey: key).value
        }
        guard let port = ports.first, ports.allSatisfy({ $0 == port }) else {
            throw APIError(.badRequest, Self.expectation)
        }
        targetPort = port
        guard members.contains(.hostHeader) else {
            hostHeader = nil
            return
        }
        guard let host = HostHeader(rawValue: try members.decode(String.self, forKey: .hostHeader)) else {
            throw APIError(.badRequest, "host_header is invalid: expected auto, preserve or localhost.")
        }
        hostHeader = host
    }

    /// Reads and checks the body of `request`.
    init(reading request: Request, maxBytes: Int) async throws {
        guard request.mayContainJSON else {
            throw APIError(
                .unsupportedMediaType,
                "The body must be JSON: send 'Content-Type: application/json' and, for example, {\"target_port\": 3000}."
            )
        }
        try self.init(try await request.body.collect(upTo: maxBytes))
    }

    /// - Parameter bytes: The bytes of the body.
    init(_ bytes: ByteBuffer) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes.readableBytesView))
        } catch is DecodingError {
            throw APIError(.badRequest, Self.expectation)
        }
    }

    private static let expectation = """
        The body is invalid: expected a JSON object with one port, as a whole number, for example \
        {"target_port": 3000}.
        """
}
