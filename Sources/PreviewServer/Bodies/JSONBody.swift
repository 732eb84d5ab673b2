internal import Basics
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import PreviewDomain

/// A JSON response, encoded before the response begins.
struct JSONBody: ResponseGenerator {
    let bytes: ByteBuffer
    let status: HTTPResponse.Status
    var headers: HTTPFields = [:]

    init(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        bytes = ByteBuffer(bytes: try encoder.encode(value))
        self.status = status
    }

    /// A response that is already JSON.
    init(bytes: ByteBuffer, status: HTTPResponse.Status) {
        self.bytes = bytes
        self.status = status
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: bytes))
    }
}

extension JSONBody {
    /// The response to a keepalive.
    ///
    /// It is written without an encoder, which would take longer than all other work of the request; front ends send it
    /// often. Neither a token nor an instant has characters that JSON escapes.
    init(token: PreviewToken, _ kept: KeepaliveResult) {
        let (expiresAt, maxUntil) = (RFC3339.string(kept.expiresAt), RFC3339.string(kept.maxUntil))
        let text =
            #"{"expires_at":"\#(expiresAt)","kept_alive":true,"max_until":"\#(maxUntil)","token":"\#(token.text)"}"#
        self.init(bytes: ByteBuffer(string: text), status: .ok)
    }
}

extension JSONBody {
    /// The response to a start: the session, and a header with the durations of the steps.
    init(_ started: StartedPreview, run: RunID, address: PreviewAddress) throws {
        try self.init(SessionBody(started.session, run: run, address: address))
        headers[.serverTiming] = [("provision", started.provisioning), ("readiness", started.waiting)]
            .map { "\($0);dur=\($1.milliseconds)" }
            .joined(separator: ", ")
    }
}

extension HTTPField.Name {
    /// The durations of a start's steps (W3C Server Timing), in milliseconds.
    // swift-format-ignore: NeverForceUnwrap
    static let serverTiming = HTTPField.Name("Server-Timing")!
}

extension Duration {
    /// Milliseconds with three decimals, the format of Server Timing.
    fileprivate var milliseconds: Double {
        let microseconds = components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
        return Double(microseconds) / 1000
    }
}

/// The response to a stop.
struct StoppedBody: Encodable {
    private let sessionID: String
    private let stopped = true

    private enum CodingKeys: String, CodingKey {
        case sessionID = "session_id"
        case stopped
    }

    init(sessionID: String) {
        self.sessionID = sessionID
    }
}

extension Request {
    /// False if the request says that its body is not JSON.
    var mayContainJSON: Bool {
        guard let type = headers[.contentType] else { return true }
        let mediaType = type.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
        return mediaType == "application/json" || mediaType.hasSuffix("+json")
    }
}

extension Request {
    /// The query parameter `wait`: how many seconds the caller wants to wait for a change.
    ///
    /// - Throws: 400 for anything other than whole seconds up to `longest`.
    func wait(atMost longest: Duration) throws(APIError) -> Duration {
        guard let text = uri.queryParameters["wait"] else { return .zero }
        let limit = longest.components.seconds
        guard let seconds = Int64(text), (0...limit).contains(seconds) else {
            throw APIError(.badRequest, "The parameter wait is invalid: expected whole seconds from 0 to \(limit).")
        }
        return .seconds(seconds)
    }

    /// Whether the caller prefers a URL to waiting (RFC 7240, section 4.1).
    var prefersAsynchronousResponse: Bool {
        guard let name = HTTPField.Name("Prefer") else { return false }
        return headers[values: name].contains { value in
            value.split(separator: ",").contains { preference in
                let name = preference.prefix { $0 != ";" && $0 != "=" }
                return name.filter { !$0.isWhitespace }.lowercased() == "respond-async"
            }
        }
    }
}

/// A whole number in JSON, which some callers write as a string: `3000` or `"3000"`.
struct IntegerOrString: Decodable {
    let value: Int

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self), let number = Int(digits: text) {
            value = number
        } else {
            value = try container.decode(Int.self)
        }
    }
}

extension Int {
    /// The number that `text` contains, as decimal digits only: no sign, no spaces, no point.
    init?(digits text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isDigit) else { return nil }
        self.init(text)
    }
}
