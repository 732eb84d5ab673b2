/// A Kubernetes ServiceAccount, by the user name that the API server knows it by.
public struct ServiceAccount: Hashable, Sendable {
    /// `system:serviceaccount:{namespace}:{name}`.
    public let userName: String

    /// - Returns: `nil` for a text of another form.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount",
            Self.isName(parts[2], maxLength: 63, allowingDots: false),
            Self.isName(parts[3], maxLength: 253, allowingDots: true)
        else { return nil }
        userName = String(text)
    }

    /// A name of a Kubernetes object (RFC 1123).
    private static func isName(_ text: some StringProtocol, maxLength: Int, allowingDots: Bool) -> Bool {
        (1...maxLength).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
                    || (allowingDots && $0 == UInt8(ascii: "."))
            }
    }
}
