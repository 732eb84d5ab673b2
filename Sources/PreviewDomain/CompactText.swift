/// A text of which a replica keeps tens of thousands: the usual formats take 16 to 20 bytes, any other text is stored
/// unchanged.
///
/// A UUID takes 36 characters and a token about 50, and each `String` of that length is a separate allocation with 32
/// bytes of overhead. A value returns exactly the text from which it was created, so equal values are equal texts.
package struct CompactText: Hashable, Sendable {
    private enum Form: Hashable {
        /// A UUID in lower case with hyphens: the UIDs of objects, most run ids.
        case uuid(Bytes16)
        /// A UUID, a hyphen and eight hexadecimal digits: the per-run labels of such runs.
        case runLabel(Bytes16, digest: UInt32)
        /// Three words and 26 characters of base32 that encode 16 bytes: tokens of this service.
        case token(Bytes16, words: UInt32)
        case other(String)
    }

    /// 16 bytes, the first one in the highest bits.
    private struct Bytes16: Hashable {
        var high: UInt64 = 0
        var low: UInt64 = 0

        /// Appends bits at the end; the first ones are dropped.
        mutating func append(_ bits: UInt8, count: UInt64) {
            high = high << count | low >> (64 - count)
            low = low << count | UInt64(bits)
        }
    }

    private let form: Form

    package init(_ text: String) {
        var text = text
        form = text.withUTF8 { Self.uuid($0) ?? Self.runLabel($0) ?? Self.token($0) } ?? .other(text)
    }

    /// Whether the text is a UUID in lower case with hyphens.
    var isUUID: Bool {
        if case .uuid = form { true } else { false }
    }

    /// The text.
    package var text: String {
        switch form {
        case .uuid(let bytes): Self.text(uuid: bytes)
        case .runLabel(let bytes, let digest):
            Self.text(uuid: bytes) + "-"
                + String(decoding: Self.digits(UInt64(digest), count: 8), as: UTF8.self)
        case .token(let bytes, let words): Self.text(token: bytes, words: words)
        case .other(let text): text
        }
    }

    // MARK: UUIDs

    private static let uuidLength = 36
    private static let hyphens = [8, 13, 18, 23]
    private static let hyphen = UInt8(ascii: "-")

    private static func uuid(_ text: UnsafeBufferPointer<UInt8>) -> Form? {
        text.count == uuidLength ? uuidBytes(text[...]).map(Form.uuid) : nil
    }

    private static func runLabel(_ text: UnsafeBufferPointer<UInt8>) -> Form? {
        guard text.count == uuidLength + 9, text[uuidLength] == hyphen,
            let bytes = uuidBytes(text[..<uuidLength])
        else { return nil }
        var digest: UInt32 = 0
        for character in text[(uuidLength + 1)...] {
            guard let digit = hexadecimalDigit(character) else { return nil }
            digest = digest << 4 | UInt32(digit)
        }
        return .runLabel(bytes, digest: digest)
    }

    private static func uuidBytes(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bytes16? {
        var bytes = Bytes16()
        for (position, character) in text.enumerated() {
            if hyphens.contains(position) {
                guard character == hyphen else { return nil }
            } else {
                guard let digit = hexadecimalDigit(character) else { return nil }
                bytes.append(digit, count: 4)
            }
        }
        return bytes
    }

    private static func hexadecimalDigit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func text(uuid bytes: Bytes16) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(uuidLength)
        for digit in digits(bytes.high, count: 16) + digits(bytes.low, count: 16) {
            if hyphens.contains(text.count) { text.append(hyphen) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The last `count` digits of a number in base 16.
    private static func digits(_ number: UInt64, count: UInt64) -> [UInt8] {
        (1...count).map { position in
            let digit = UInt8(truncatingIfNeeded: number >> (4 * (count - position))) & 0xF
            return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
    }

    // MARK: Tokens

    private static let base32Length = 26

    private static func token(_ text: UnsafeBufferPointer<UInt8>) -> Form? {
        let parts = text.split(separator: hyphen, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[3].count == base32Length else { return nil }
        var words: UInt32 = 0
        for part in parts[..<3] {
            guard let word = TokenWords.positions[String(decoding: part, as: UTF8.self)] else {
                return nil
            }
            words = words << 8 | UInt32(word)
        }
        var bytes = Bytes16()
        for character in parts[3].dropLast() {
            guard let value = Base32.value(of: character) else { return nil }
            bytes.append(value, count: 5)
        }
        // The last character encodes three bits; a spelling in which the two padding bits are set is another text.
        guard let value = Base32.value(of: parts[3][parts[3].endIndex - 1]), value & 0b11 == 0 else {
            return nil
        }
        bytes.append(value >> 2, count: 3)
        return .token(bytes, words: words)
    }

    private static func text(token bytes: Bytes16, words: UInt32) -> String {
        let names = [16, 8, 0].map { TokenWords.all[Int(words >> $0 & 0xFF)] }
        let suffix = [bytes.high, bytes.low].flatMap { half in
            (1...8).map { UInt8(truncatingIfNeeded: half >> (64 - 8 * $0)) }
        }
        return (names + [Base32.encode(suffix)]).joined(separator: "-")
    }
}

/// A value that all copies share, so that a copy takes eight bytes.
final class Shared<Value: Hashable & Sendable>: Hashable, Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }

    static func == (left: Shared, right: Shared) -> Bool {
        left === right || left.value == right.value
    }

    func hash(into hasher: inout Hasher) {
        value.hash(into: &hasher)
    }
}

extension Shared: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The description of the value; the sharing is not visible.
    var description: String { String(describing: value) }
    var debugDescription: String { String(reflecting: value) }
    var customMirror: Mirror { Mirror(reflecting: value) }
}
