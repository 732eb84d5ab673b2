internal import HTTPTransport
package import HTTPTypes

/// What tells one request from others in the logs of all who had to do with it: the field `X-Request-ID`.
package struct RequestID: Hashable, CustomStringConvertible {
    /// The longest id of somebody else's making that is repeated.
    static let maxLength = 128

    package let description: String
    /// True where the request brought none, so that it has to be added.
    package let isNew: Bool

    /// - Parameter random: Makes ids.
    package init(of fields: HTTPFields, random: () -> UInt64 = { .random(in: .min ... .max) }) {
        let given = fields[.xRequestID] ?? ""
        isNew = !fields.contains(.xRequestID)
        if (1...Self.maxLength).contains(given.utf8.count), given.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            description = given
        } else {
            description = Self.hexadecimal(random()) + Self.hexadecimal(random())
        }
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
