internal import Basics
internal import FoundationEssentials

extension JSONValue {
    /// How deep arrays and objects may be nested. No message of the protocol needs half of it, and a decoder that
    /// recurses must not be led deeper by a caller.
    static let maxDepth = 32
    /// How many values a message may hold. The longest that clients send have about 50, and the decoder takes its time
    /// for each: a body full of empty objects would keep a core busy for a tenth of a second.
    static let maxValues = 512

    /// Reads bytes from a caller, whatever they are.
    ///
    /// - Returns: nil when they are not one JSON value in UTF-8 (RFC 8259), or they pass a limit.
    init?(parsing bytes: some Collection<UInt8>) {
        // A zero byte is in no JSON text. With one, the decoder would take the text for UTF-16.
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
    /// The members that are not null: for a caller's optional members null means that they are not there.
    var withoutNulls: [String: JSONValue] { filter { $0.value != .null } }
}
