internal import Basics
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import PreviewDomain

/// An answer in JSON, encoded before the response begins.
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

    /// An answer that is JSON already.
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
    /// The answer to a keepalive.
    ///
    /// It is put together by hand, since front ends ask for it again and again, and an encoder would take longer than all
    /// else that is done for it. Neither a token nor an instant has characters that JSON would escape.
    init(token: PreviewToken, _ kept: KeptAlive) {
        let (expiresAt, maxUntil) = (RFC3339.string(kept.expiresAt), RFC3339.string(kept.maxUntil))
        let text =
            #"{"expires_at":"\#(expiresAt)","kept_alive":true,"max_until":"\#(maxUntil)","token":"\#(token.text)"}"#
        self.init(bytes: ByteBuffer(string: text), status: .ok)
    }
}

extension JSONBody {
    /// The answer to a start: the session, and in a header where the time went.
    init(_ started: StartedPreview, run: RunID, address: PreviewAddress) throws {
        try self.init(SessionBody(started.session, run: run, address: address))
        headers[.serverTiming] = [("provision", started.provisioning), ("settle", started.waiting)]
            .map { "\($0);dur=\($1.milliseconds)" }
            .joined(separator: ", ")
    }
}

extension HTTPField.Name {
    /// Where the time of a start went (W3C Server Timing), in milliseconds.
    // swift-format-ignore: NeverForceUnwrap
    static let serverTiming = HTTPField.Name("Server-Timing")!
}

extension Duration {
    /// Milliseconds with three decimals, as Server Timing wants them.
    fileprivate var milliseconds: Double {
        let microseconds = components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
        return Double(microseconds) / 1000
    }
}

/// The answer to an explicit stop.
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
    /// False when the request says that its body is something else than JSON.
    var mayHoldJSON: Bool {
        guard let type = headers[.contentType] else { return true }
        let mediaType = type.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
        return mediaType == "application/json" || mediaType.hasSuffix("+json")
    }
}

extension Request {
    /// The query parameter `wait`: how many seconds the caller wants to wait for something else than what is there.
    ///
    /// - Throws: 400 for anything but whole seconds up to `longest`.
    func wait(atMost longest: Duration) throws(APIError) -> Duration {
        guard let text = uri.queryParameters["wait"] else { return .zero }
        let limit = longest.components.seconds
        guard let seconds = Int64(text), (0...limit).contains(seconds) else {
            throw APIError(.badRequest, "The parameter wait cannot be used: expected whole seconds from 0 to \(limit).")
        }
        return .seconds(seconds)
    }

    /// Whether the caller would rather be told where to look than wait (RFC 7240, section 4.1).
    var prefersAsynchronousAnswer: Bool {
        guard let name = HTTPField.Name("Prefer") else { return false }
        return headers[values: name].contains { value in
            value.split(separator: ",").contains { preference in
                let name = preference.prefix { $0 != ";" && $0 != "=" }
                return name.filter { !$0.isWhitespace }.lowercased() == "respond-async"
            }
        }
    }
}

/// A whole number in JSON, which some callers write as text: `3000` or `"3000"`.
struct WrittenInteger: Decodable {
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
    /// The number that `text` writes in decimal digits and nothing else: no sign, no spaces, no point.
    init?(digits text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        self.init(text)
    }
}
