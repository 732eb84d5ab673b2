internal import Basics
internal import FoundationEssentials

extension JSONValue {
    /// The limit for nested arrays and objects. Messages of the protocol need less than half of it, and it bounds the
    /// recursion of the decoder.
    static let maxDepth = 32
    /// The limit for values in a message. The longest messages of clients have about 50, and the decoder needs time for
    /// each: a body full of empty objects would use a core for a tenth of a second.
    static let maxValues = 512

    /// Reads untrusted bytes.
    ///
    /// - Returns: nil if they are not one JSON value in UTF-8 (RFC 8259), or exceed a limit.
    init?(parsing bytes: some Collection<UInt8>) {
        // JSON text contains no zero byte. With one, the decoder would assume UTF-16.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil, Self.isWithinLimits(bytes),
            let value = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        else { return nil }
        self = value
    }

    /// Counts brackets and commas outside of strings, without recursion.
    private static func isWithinLimits(_ bytes: some Collection<UInt8>) -> Bool {
        var depth = 0
        var values = 1
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                values += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ","): values += 1
            default: break
            }
            if depth > maxDepth || values > maxValues { return false }
        }
        return true
    }
}

extension [String: JSONValue] {
    /// The members that are not null: for a caller's optional members null means absent.
    var withoutNulls: [String: JSONValue] { filter { $0.value != .null } }
}
