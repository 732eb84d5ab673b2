internal import OpenSSLKit

/// The shared key of the platform's own callers.
///
/// It prints redacted, so that it cannot reach a log by accident.
public struct ServiceKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// A shorter key could be guessed.
    public static let minLength = 16

    private let bytes: [UInt8]

    /// - Parameter key: The key; surrounding white space, such as a file's last newline, is not part of it.
    /// - Returns: `nil` when it is shorter than ``minLength`` or cannot be sent in a header (visible ASCII only).
    public init?(_ key: String) {
        let trimmed = key.trimmingPrefix(while: \.isWhitespace)
        let end = trimmed.lastIndex { !$0.isWhitespace }.map(trimmed.index(after:)) ?? trimmed.startIndex
        let bytes = Array(trimmed[..<end].utf8)
        guard bytes.count >= Self.minLength, bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        self.bytes = bytes
    }

    /// Compares in a time that does not depend on where the two differ.
    public func matches(_ presented: some StringProtocol) -> Bool {
        constantTimeEquals(bytes, Array(presented.utf8))
    }

    public var description: String { "<redacted>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
