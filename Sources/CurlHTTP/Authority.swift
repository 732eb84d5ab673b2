/// A URL's authority without user information: `host`, `host:port` or `[address]:port` (RFC 3986 section 3.2).
struct Authority {
    /// The host, with its brackets where it is an IPv6 address.
    let host: String
    let port: String?

    /// `nil` where `text` is no such authority. User information is refused: it would turn into credentials.
    init?(_ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy(Self.isAuthorityByte) else { return nil }
        let hostEnd: String.Index
        if text.utf8.first == UInt8(ascii: "[") {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            hostEnd = text.index(after: bracket)
        } else {
            hostEnd = text.firstIndex(of: ":") ?? text.endIndex
        }
        let rest = text[hostEnd...]
        host = String(text[..<hostEnd])
        guard !host.isEmpty else { return nil }
        if rest.isEmpty {
            port = nil
        } else {
            let digits = rest.dropFirst()
            guard rest.first == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(digits), number > 0
            else { return nil }
            port = String(digits)
        }
    }

    private static func isAuthorityByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
            true
        default:
            false
        }
    }
}
