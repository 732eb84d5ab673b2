/// The bytes between the quotes of a JSON string. Control characters were excluded; escapes and UTF-8 are not validated yet.
struct JSONString {
    let bytes: UnsafeBufferPointer<UInt8>
    let isASCII: Bool
    let hasEscapes: Bool

    /// Validates the string, without a copy if it is ASCII without escapes.
    func check() throws {
        if hasEscapes || !isASCII { _ = try text() }
    }

    /// The decoded string.
    func text() throws -> String {
        // ASCII needs no validation, and is the usual case.
        if isASCII, !hasEscapes { return String(decoding: bytes, as: UTF8.self) }
        let text =
            hasEscapes
            ? String(validating: try unescaped(), as: UTF8.self) : String(validating: bytes, as: UTF8.self)
        guard let text else { throw Self.failure("the string is not UTF-8") }
        return text
    }

    private func unescaped() throws -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "\""): result.append(UInt8(ascii: "\""))
            case UInt8(ascii: "\\"): result.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "/"): result.append(UInt8(ascii: "/"))
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"): result += String(Character(try Self.scalar(&rest))).utf8
            default: throw Self.failure("unknown escape sequence in a string")
            }
        }
        return result
    }

    /// Decodes what follows `\u`: four hexadecimal digits, and the second escape of a surrogate pair if they are a lead
    /// surrogate.
    private static func scalar(_ rest: inout Slice<UnsafeBufferPointer<UInt8>>) throws -> Unicode.Scalar {
        let first = try codeUnit(&rest)
        if let scalar = Unicode.Scalar(first) { return scalar }
        let problem = "incomplete surrogate pair in a string"
        guard UTF16.isLeadSurrogate(first), rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u")
        else { throw failure(problem) }
        let second = try codeUnit(&rest)
        let value = 0x10000 + UInt32(first & 0x3FF) << 10 + UInt32(second & 0x3FF)
        guard UTF16.isTrailSurrogate(second), let scalar = Unicode.Scalar(value) else { throw failure(problem) }
        return scalar
    }

    private static func codeUnit(_ rest: inout Slice<UnsafeBufferPointer<UInt8>>) throws -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = rest.popFirst().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw failure("unknown escape sequence in a string")
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    private static func failure(_ problem: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: [], debugDescription: problem))
    }
}
