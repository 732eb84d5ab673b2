/// A text that must not appear in a log, metric, event, annotation or error body: a key, a bearer token, a preview's URL.
///
/// It is redacted in all of Swift's descriptions, also as a part of another value, and is not `Encodable`.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text, for the code that sends or compares it.
    public let value: String

    public init(_ value: some StringProtocol) {
        self.value = String(value)
    }

    public var description: String { "<redacted>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
