/// The name of one request for approval: 26 characters of lowercase base32 that carry 128 random bits.
///
/// It is the end of an annotation's key, so it fits there whatever it is, and it cannot be guessed, so that knowing one
/// says nothing about another.
public struct ApprovalRequestID: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    private static let byteCount = 16
    private static let length = 26
    private static let displayLength = 8

    /// Takes an id as a caller or an annotation spells it.
    ///
    /// - Returns: nil when it cannot be one of ours.
    public init?(_ text: String) {
        let alphabet = "abcdefghijklmnopqrstuvwxyz234567".utf8
        guard text.utf8.count == Self.length, text.utf8.allSatisfy(alphabet.contains) else { return nil }
        self.text = text
    }

    private init(minted text: String) {
        self.text = text
    }

    /// Draws a new id.
    ///
    /// - Parameter randomBytes: The generator; called once.
    /// - Throws: What the generator throws, or `WrongRandomByteCount` when it hands out too few or too many bytes.
    public static func mint(randomBytes: RandomBytes) throws -> ApprovalRequestID {
        let bytes = try randomBytes(byteCount)
        guard bytes.count == byteCount else {
            throw WrongRandomByteCount(expected: byteCount, actual: bytes.count)
        }
        return ApprovalRequestID(minted: Base32.encode(bytes))
    }

    /// The first eight characters: enough for a human to tell two requests apart.
    public var displayID: String { String(text.prefix(Self.displayLength)) }

    public var description: String { text }
}
