/// The rule for one label of a DNS name as Kubernetes has it (RFC 1123).
enum DNSLabel {
    /// The most characters that a label may have (RFC 1035, section 2.3.4).
    static let maximumLength = 63

    /// Whether the bytes are a DNS-1123 label: 1 to 63 of `a-z`, `0-9` and `-`, no `-` at either end.
    ///
    /// Bytes are looked at, not characters, so that no look-alike and no combining mark passes.
    static func isValid(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, bytes.count <= maximumLength else { return false }
        return first.isLowercaseAlphanumeric && last.isLowercaseAlphanumeric
            && bytes.allSatisfy { $0.isLowercaseAlphanumeric || $0 == UInt8(ascii: "-") }
    }
}

extension UInt8 {
    /// Whether the byte is an ASCII digit.
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// Whether the byte is an ASCII upper-case letter.
    var isUppercaseLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }

    /// Whether the byte is an ASCII digit or lower-case letter.
    var isLowercaseAlphanumeric: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }

    /// Whether the byte is an ASCII digit or letter.
    var isAlphanumeric: Bool { isLowercaseAlphanumeric || isUppercaseLetter }

    /// Whether the byte is a hexadecimal digit in either case.
    var isHexadecimalDigit: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
            || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(self)
    }

    /// The byte with an ASCII upper-case letter turned into its lower-case one.
    var lowercased: UInt8 { isUppercaseLetter ? self | 0x20 : self }
}
