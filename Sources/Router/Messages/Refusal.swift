internal import HTTPTransport
internal import HTTPTypes
internal import NIOCore

/// A response of the router itself: a status and one sentence.
struct Refusal {
    /// The phase that a request reached.
    enum Phase: String, CaseIterable {
        /// The router did not try to forward it.
        case request
        /// There was no connection, or the request could not be sent.
        case connect
        /// The head of the response did not arrive.
        case head
        /// The response ended early.
        case body
    }

    let status: HTTPResponse.Status
    let message: String
    let phase: Phase
    /// A metric's label.
    let cause: String
    var retryAfter: Duration?

    /// The response in the contract's format.
    func response(id: String) -> (head: HTTPResponse, body: ByteBuffer) {
        let body = ByteBuffer(string: "{\"error\":\"\(message)\"}")
        var fields: HTTPFields = [
            .contentType: "application/json; charset=utf-8", .contentLength: "\(body.readableBytes)",
            .cacheControl: "no-store",
            .xRequestID: id,
        ]
        if let retryAfter { fields[.retryAfter] = "\(retryAfter.components.seconds)" }
        return (HTTPResponse(status: status, headerFields: fields), body)
    }
}

extension Refusal {
    /// The reason why a request cannot be forwarded; `nil` if it can.
    init?(_ request: HTTPRequest, hasBody: Bool) {
        let fields = request.headerFields
        if request.method == .connect {
            self.init(.notImplemented, "The method CONNECT is not supported.", "connect")
        } else if Self.isUnsupportedUpgrade(fields) {
            self.init(
                .notImplemented,
                "The core API supports only HTTP, so this connection cannot be upgraded.",
                "upgrade"
            )
        } else if !Self.isTarget(request.path) {
            self.init(.badRequest, "The request target is not valid.", "target")
        } else if request.method == .head, hasBody {
            self.init(.badRequest, "A HEAD request has no body.", "head_body")
        } else if fields[values: .via].contains(where: { $0.contains(ForwardedRequest.pseudonym) }) {
            self.init(
                HTTPResponse.Status(code: 508, reasonPhrase: "Loop Detected"),
                "The request returned to this service: Agentweaver__ApiBaseUrl is not the core API's address.",
                "loop"
            )
        } else {
            return nil
        }
    }

    private init(_ status: HTTPResponse.Status, _ message: String, _ cause: String) {
        self.init(status: status, message: message, phase: .request, cause: cause)
    }

    /// A client that offers `h2c` continues with HTTP/1.1 if the offer is not accepted (RFC 9113 section 3.1), as .NET
    /// and Java do.
    private static func isUnsupportedUpgrade(_ fields: HTTPFields) -> Bool {
        guard HopByHop.options(of: fields).contains("upgrade") else { return false }
        return fields[values: .upgrade].contains { !$0.lowercased().hasPrefix("h2c") }
    }

    /// Printable ASCII without `#`, which no request target has (RFC 9112 section 3.2).
    private static func isTarget(_ path: String?) -> Bool {
        guard let path, path.utf8.first == UInt8(ascii: "/") || path == "*" else { return false }
        return path.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
    }

    /// The replica forwards as many requests as it may.
    static let full = Refusal(
        status: .serviceUnavailable,
        message: "This replica forwards its maximum number of requests. Try again shortly.",
        phase: .request,
        cause: "full",
        retryAfter: .seconds(1)
    )

    /// The server shuts down before the response, an event stream, has begun.
    static let shutdown = Refusal(
        status: .serviceUnavailable,
        message: "This replica shuts down. Try again.",
        phase: .head,
        cause: "shutdown",
        retryAfter: .seconds(1)
    )

    /// The refusal for an error of the connection to the core API, before the response has begun.
    init(_ error: TransportError, headTimeout: Duration) {
        let cause = error.kind.rawValue
        switch error.kind {
        case .timedOut:
            self.init(
                status: .gatewayTimeout,
                message: "The core API did not answer within \(headTimeout.components.seconds) seconds.",
                phase: .head,
                cause: cause,
                retryAfter: .seconds(5)
            )
        case .connect where error.isTimeout:
            self.init(
                status: .gatewayTimeout,
                message: "The core API cannot be reached: connecting to it took too long. Try again shortly.",
                phase: .connect,
                cause: "connect_timed_out",
                retryAfter: .seconds(5)
            )
        case .connect, .tls, .refused:
            self.init(
                status: .badGateway,
                message: "The core API cannot be reached. Try again shortly.",
                phase: .connect,
                cause: cause,
                retryAfter: .seconds(5)
            )
        case .invalidRequest:
            self.init(.badRequest, "The request cannot be forwarded.", cause)
        case .protocolViolation, .bodyTooLarge, .cancelled:
            self.init(
                status: .badGateway,
                message: "The core API closed the connection, or its response is not valid HTTP.",
                phase: .head,
                cause: cause,
                retryAfter: .seconds(5)
            )
        }
    }
}
