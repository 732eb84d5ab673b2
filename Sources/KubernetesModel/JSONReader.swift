internal import FoundationEssentials

/// Reads JSON sequentially from UTF-8 bytes, strictly by RFC 8259.
///
/// A type reads the values that it expects next. Members that it does not know are validated and skipped without a copy. If
/// several members have the same name, the first one is used. A byte order mark, invalid UTF-8, an unpaired surrogate, a
/// trailing comma and nesting deeper than ``maxDepth`` are errors everywhere in the document.
public struct JSONReader {
    /// The maximum nesting of arrays and objects. Foundation's decoder has the same limit.
    static let maxDepth = 512

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    /// - Parameter bytes: The document. It must outlive the reader.
    private init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// Reads a whole document.
    static func read<Value>(
        _ bytes: ArraySlice<UInt8>,
        _ read: (inout JSONReader) throws -> Value
    ) throws -> Value {
        try bytes.withUnsafeBufferPointer { bytes in
            var json = JSONReader(bytes)
            let value = try read(&json)
            guard json.nextByte() == nil else { throw json.failure("expected the end") }
            return value
        }
    }

    /// An error at the current position: the document is malformed, or not what was expected.
    func failure(_ problem: StaticString) -> DecodingError {
        .dataCorrupted(
            DecodingError.Context(codingPath: [], debugDescription: "\(problem) at byte \(position) of the document")
        )
    }

    // MARK: Values

    mutating func string() throws -> String {
        try rawString().text()
    }

    mutating func boolean() throws -> Bool {
        if nextByte() == UInt8(ascii: "t") {
            try literal("true")
            return true
        }
        try literal("false")
        return false
    }

    /// Reads a 64-bit integer. `1.0` and `1e2` are errors, as in the API server.
    mutating func integer() throws -> Int64 {
        guard let value = Int64(String(decoding: try number(), as: UTF8.self)) else {
            throw failure("expected an integer of 64 bits")
        }
        return value
    }

    /// Reads a value, or returns `nil` for `null`.
    mutating func ifPresent<Value>(_ read: (inout JSONReader) throws -> Value) throws -> Value? {
        guard nextByte() == UInt8(ascii: "n") else { return try read(&self) }
        try literal("null")
        return nil
    }

    mutating func array<Element>(_ read: (inout JSONReader) throws -> Element) throws -> [Element] {
        var elements: [Element] = []
        try forEachElement { json in elements.append(try read(&json)) }
        return elements
    }

    /// Reads an object whose values are strings.
    mutating func strings() throws -> [String: String] {
        var strings: [String: String] = [:]
        try forEachMember { name, json in try json.string(unlessPresent: &strings[name.text()]) }
        return strings
    }

    private mutating func string(unlessPresent value: inout String?) throws {
        guard value == nil else { return try skip() }
        value = try string()
    }

    /// Reads the members of an object whose names are in `members`; `read` must read the value of each.
    mutating func object<Name>(
        _ members: JSONMembers<Name>,
        _ read: (Name, inout JSONReader) throws -> Void
    ) throws {
        var seen: UInt64 = 0
        try forEachMember { name, json in
            guard let position = try members.position(of: name), seen & 1 << position == 0 else {
                return try json.skip()
            }
            seen |= 1 << position
            try read(members.names[position], &json)
        }
    }

    /// Validates and skips a value.
    mutating func skip() throws {
        switch nextByte() {
        case UInt8(ascii: "{"):
            try forEachMember { name, json in
                try name.check()
                try json.skip()
            }
        case UInt8(ascii: "["): try forEachElement { try $0.skip() }
        case UInt8(ascii: "\""): try rawString().check()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: _ = try number()
        }
    }

    /// Validates and skips a value.
    ///
    /// - Returns: The bytes of the value.
    mutating func skippedBytes() throws -> UnsafeBufferPointer<UInt8> {
        _ = nextByte()
        let start = position
        try skip()
        return UnsafeBufferPointer(rebasing: bytes[start..<position])
    }

    // MARK: Structure

    private mutating func forEachMember(_ body: (JSONString, inout JSONReader) throws -> Void) throws {
        try open(UInt8(ascii: "{"))
        if !take(UInt8(ascii: "}")) {
            repeat {
                let name = try rawString()
                guard take(UInt8(ascii: ":")) else { throw failure("expected a colon") }
                try body(name, &self)
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw failure("expected the end of the object") }
        }
        depth -= 1
    }

    mutating func forEachElement(_ body: (inout JSONReader) throws -> Void) throws {
        try open(UInt8(ascii: "["))
        if !take(UInt8(ascii: "]")) {
            repeat { try body(&self) } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { throw failure("expected the end of the array") }
        }
        depth -= 1
    }

    private mutating func open(_ bracket: UInt8) throws {
        guard take(bracket) else { throw failure("expected an object or an array") }
        depth += 1
        guard depth <= Self.maxDepth else { throw failure("nested too deeply") }
    }

    /// Skips `byte` if it comes next.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard nextByte() == byte else { return false }
        position += 1
        return true
    }

    /// The next byte that is not whitespace; `nil` at the end.
    private mutating func nextByte() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    // MARK: Scalars

    private mutating func literal(_ text: StaticString) throws {
        _ = nextByte()
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[position..<end].elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: end - position))
        else { throw failure("expected another value") }
        position = end
    }

    /// Validates and skips a number.
    ///
    /// - Returns: The bytes of the number.
    private mutating func number() throws -> Slice<UnsafeBufferPointer<UInt8>> {
        _ = nextByte()
        let start = position
        skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try digits() }
        if skip(UInt8(ascii: ".")) { try digits() }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { skip(UInt8(ascii: "-")) }
            try digits()
        }
        return bytes[start..<position]
    }

    private mutating func digits() throws {
        let start = position
        let decimal = UInt8(ascii: "0")...UInt8(ascii: "9")
        while position < bytes.count, decimal.contains(bytes[position]) { position += 1 }
        guard position > start else { throw failure("expected another value") }
    }

    /// Skips `byte` if it comes next, without skipping whitespace.
    @discardableResult
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Finds the end of the string that comes next.
    private mutating func rawString() throws -> JSONString {
        guard take(UInt8(ascii: "\"")) else { throw failure("expected a string") }
        let start = position
        var isASCII = true
        var hasEscapes = false
        while true {
            skipPlainText()
            guard position < bytes.count else { break }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let content = UnsafeBufferPointer(rebasing: bytes[start..<position])
                position += 1
                return JSONString(bytes: content, isASCII: isASCII, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                // The escaped byte cannot end the string. The escape is validated when it is decoded.
                position += 2
            case 0..<0x20:
                throw failure("control character in a string")
            case 0x80...:
                isASCII = false
                position += 1
            default:
                position += 1
            }
        }
        throw failure("expected the end of a string")
    }

    /// Skips ASCII other than quotes, backslashes and control characters, eight bytes at a time, while eight bytes are left.
    ///
    /// Subtracting from a byte a value that is larger by one or more sets the byte's high bit. A borrow may also set that of
    /// the following byte, but never that of the first match.
    private mutating func skipPlainText() {
        guard let start = UnsafeRawPointer(bytes.baseAddress) else { return }
        while bytes.count - position >= 8 {
            let word = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quotes = word ^ Self.eight(UInt8(ascii: "\""))
            let backslashes = word ^ Self.eight(UInt8(ascii: "\\"))
            let isQuote = (quotes &- Self.eight(1)) & ~quotes
            let isBackslash = (backslashes &- Self.eight(1)) & ~backslashes
            let isControl = (word &- Self.eight(0x20)) & ~word
            let highBits = (isQuote | isBackslash | isControl | word) & Self.eight(0x80)
            guard highBits == 0 else {
                position += highBits.trailingZeroBitCount / 8
                return
            }
            position += 8
        }
    }

    /// A word with `byte` in all eight bytes.
    @inline(__always)
    private static func eight(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }
}

/// The names of the members that are read from one type of object.
struct JSONMembers<Name: CodingKey & CaseIterable & Sendable>: Sendable {
    /// All names; at most 64, because a bit mask records those that were read.
    let names = Array(Name.allCases)
    private let bytes = Name.allCases.map { Array($0.stringValue.utf8) }

    /// The index in ``names`` of a member's name; `nil` if it is not among them.
    fileprivate func position(of name: JSONString) throws -> Int? {
        if name.hasEscapes {
            let text = Array(try name.text().utf8)
            return bytes.firstIndex(of: text)
        }
        guard let position = bytes.firstIndex(where: { $0.count == name.bytes.count && name.bytes.elementsEqual($0) })
        else {
            try name.check()
            return nil
        }
        return position
    }
}

/// A value that can be read from JSON.
///
/// Types of which a response contains thousands, such as those of metadata-only lists and watches, implement this with
/// ``JSONReader``. For other types, conformance to `Decodable` is enough.
public protocol JSONReadable: Sendable {
    /// Reads the value that comes next.
    ///
    /// - Throws: `DecodingError` if the text is malformed or not what was expected. The error contains nothing of the document.
    init(reading json: inout JSONReader) throws
}

extension JSONReadable {
    /// Reads a whole document.
    ///
    /// - Throws: Like ``init(reading:)``, and if anything but whitespace follows.
    public init(json bytes: ArraySlice<UInt8>) throws {
        self = try JSONReader.read(bytes) { try Self(reading: &$0) }
    }
}

extension JSONReadable where Self: Decodable {
    public init(reading json: inout JSONReader) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(json.skippedBytes()))
    }
}
