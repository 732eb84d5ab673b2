internal import FoundationEssentials

/// base64url without padding (RFC 4648, section 5).
public enum Base64URL {
    public static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// The bytes of a text; none if it is malformed.
    public static func decoded(_ text: some StringProtocol) -> [UInt8] {
        let base64 = String(text).replacing("-", with: "+").replacing("_", with: "/")
        return Array(Data(base64Encoded: base64 + String(repeating: "=", count: (4 - base64.count % 4) % 4)) ?? Data())
    }
}
