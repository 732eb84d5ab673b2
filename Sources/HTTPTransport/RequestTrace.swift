internal import Basics
public import HTTPTypes

/// The identifiers of the request that the current task serves: its trace (W3C Trace Context) and its request id.
///
/// This service records no spans. A caller's `traceparent` is therefore forwarded unchanged, so that the spans of the next
/// program become children of the caller's. A request without one gets a new trace.
public struct RequestTrace: Hashable, Sendable {
    /// The trace of the request that the current task serves; `nil` outside of requests.
    @TaskLocal public static var current: RequestTrace?

    /// The maximum size of a forwarded `tracestate`, in bytes (W3C Trace Context, 3.3.1.5).
    public static let maxStateBytes = 512

    /// The value of `traceparent`: version, trace id, parent id and flags.
    public let parent: String
    /// The value of `tracestate`. It is used only together with its `traceparent`.
    public let state: String?
    /// The value of `X-Request-ID`.
    public let requestID: String

    /// Reads the trace of a request, or creates one.
    ///
    /// - Parameters:
    ///   - fields: The request's header fields. An invalid `traceparent` is ignored (W3C Trace Context, 3.2.2).
    ///   - requestID: The request's id.
    ///   - random: Generates the parts of identifiers.
    public init(of fields: HTTPFields, requestID: String, random: () -> UInt64 = { .random(in: 1 ... .max) }) {
        self.requestID = requestID
        if let given = fields[.traceParent], Self.isValid(given) {
            parent = given
            state = fields[.traceState].flatMap { $0.utf8.count <= Self.maxStateBytes ? $0 : nil }
        } else {
            // The flag "sampled" is not set, because no caller has asked for recording.
            parent = "00-\(Self.hexadecimal(random()))\(Self.hexadecimal(random()))-\(Self.hexadecimal(random()))-00"
            state = nil
        }
    }

    /// The trace id, 32 hexadecimal digits.
    public var traceID: String { String(parent.dropFirst(3).prefix(32)) }

    /// Whether a text is a valid `traceparent`. For versions after 00 only the beginning is checked (W3C Trace Context, 3.2).
    static func isValid(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard text.utf8.count <= maxStateBytes, parts.count >= 4,
            zip(parts, [2, 32, 16, 2]).allSatisfy({ $0.count == $1 && $0.allSatisfy(isDigit) }),
            parts[1].contains(where: { $0 != UInt8(ascii: "0") }), parts[2].contains(where: { $0 != UInt8(ascii: "0") })
        else { return false }
        if parts[0].elementsEqual("00".utf8) { return parts.count == 4 }
        return !parts[0].elementsEqual("ff".utf8)
    }

    /// Whether the byte is a hexadecimal digit in lower case.
    private static func isDigit(_ byte: UInt8) -> Bool { byte.isHexadecimalDigit && !byte.isUppercaseLetter }

    /// Sixteen hexadecimal digits in lower case.
    package static func hexadecimal(_ number: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { digits in
            for index in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * index)) & 0xF
                digits[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            }
            return 16
        }
    }
}

extension HTTPFields {
    /// Adds the identifiers of the request that the current task serves, if there is one.
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
