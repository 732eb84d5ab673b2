/// ASCII characters, compared as bytes, so that no look-alike and no combining mark passes.
extension UInt8 {
    /// Whether the byte is a digit.
    public var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// Whether the byte is an upper-case letter.
    public var isUppercaseLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }

    /// Whether the byte is a digit or a lower-case letter.
    public var isLowercaseAlphanumeric: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }

    /// Whether the byte is a digit or a letter.
    public var isAlphanumeric: Bool { isLowercaseAlphanumeric || isUppercaseLetter }

    /// Whether the byte is a hexadecimal digit in either case.
    public var isHexadecimalDigit: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
            || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(self)
    }

    /// The byte with an upper-case letter turned into its lower-case one.
    public var lowercased: UInt8 { isUppercaseLetter ? self | 0x20 : self }
}
