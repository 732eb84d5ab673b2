public import Basics
internal import OpenSSLKit
public import PreviewDomain

/// The shared key of the platform's own callers.
public struct ServiceKey: Hashable, Sendable {
    /// A shorter key could be guessed.
    public static let minLength = 16

    /// The key itself, to be sent as a bearer token to others who know it.
    public let bearer: Secret

    /// - Parameter key: The key; surrounding white space, such as a file's last newline, is not part of it.
    /// - Returns: `nil` when it is shorter than ``minLength`` or cannot be sent in a header (visible ASCII only).
    public init?(_ key: String) {
        let trimmed = key.trimmingPrefix(while: \.isWhitespace)
        let end = trimmed.lastIndex { !$0.isWhitespace }.map(trimmed.index(after:)) ?? trimmed.startIndex
        let text = trimmed[..<end]
        guard text.utf8.count >= Self.minLength, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return nil
        }
        bearer = Secret(text)
    }

    /// Compares in a time that does not depend on where the two differ.
    public func matches(_ presented: some StringProtocol) -> Bool {
        constantTimeEquals(Array(bearer.value.utf8), Array(presented.utf8))
    }
}
