public import HTTPTypes

/// The request that the current task works for, as it is known to others: its trace (W3C Trace Context) and its id.
///
/// This service records no spans of its own. What a caller sends as `traceparent` is therefore passed on as it came, so that
/// the next program's spans hang below the caller's; a request without one gets a trace here.
public struct RequestTrace: Hashable, Sendable {
    /// The trace of the request that the current task works for; `nil` outside of requests.
    @TaskLocal public static var current: RequestTrace?

    /// The longest `tracestate` that is passed on, in bytes (W3C Trace Context, 3.3.1.5).
    public static let maxStateBytes = 512

    /// The value of `traceparent`: version, trace id, parent id and flags.
    public let parent: String
    /// The value of `tracestate`, which means nothing without its `traceparent`.
    public let state: String?
    /// The request's `X-Request-ID`.
    public let requestID: String

    /// Takes a request's trace, or begins one.
    ///
    /// - Parameters:
    ///   - fields: The request's header fields. A `traceparent` that is not valid counts as none, as the standard has it.
    ///   - random: Makes ids.
    public init(of fields: HTTPFields, requestID: String, random: () -> UInt64 = { .random(in: 1 ... .max) }) {
        self.requestID = requestID
        if let given = fields[.traceParent], Self.isValid(given) {
            parent = given
            state = fields[.traceState].flatMap { $0.utf8.count <= Self.maxStateBytes ? $0 : nil }
        } else {
            // Not sampled: nobody has decided to record it.
            parent = "00-\(Self.hexadecimal(random()))\(Self.hexadecimal(random()))-\(Self.hexadecimal(random()))-00"
            state = nil
        }
    }

    /// The 32 hexadecimal digits of the trace's id.
    public var traceID: String { String(parent.dropFirst(3).prefix(32)) }

    /// Whether a text is a `traceparent`: of version 00 exactly, of later ones the beginning (W3C Trace Context, 3.2).
    static func isValid(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard text.utf8.count <= maxStateBytes, parts.count >= 4,
            zip(parts, [2, 32, 16, 2]).allSatisfy({ $0.count == $1 && $0.allSatisfy(isHexadecimal) }),
            parts[1].contains(where: { $0 != UInt8(ascii: "0") }), parts[2].contains(where: { $0 != UInt8(ascii: "0") })
        else { return false }
        if parts[0].elementsEqual("00".utf8) { return parts.count == 4 }
        return !parts[0].elementsEqual("ff".utf8)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension HTTPFields {
    /// Tells the receiver which request the current task works for, where it works for one.
    public mutating func addCurrentTrace() {
        guard let trace = RequestTrace.current else { return }
        self[.traceParent] = trace.parent
        self[.traceState] = trace.state
        self[.xRequestID] = trace.requestID
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    public static let traceParent = Self("traceparent")!
    // swift-format-ignore: NeverForceUnwrap
    public static let traceState = Self("tracestate")!
    // swift-format-ignore: NeverForceUnwrap
    public static let xRequestID = Self("X-Request-ID")!
}
