/// A text that must reach no log, metric, event, annotation or error body: a key, a bearer token, a preview's URL.
///
/// It prints redacted in every way that Swift prints a value, also as a part of another one, and is not `Encodable`.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for the one place that needs it.
    public let value: String

    public init(_ value: some StringProtocol) {
        self.value = String(value)
    }

    public var description: String { "<redacted>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
