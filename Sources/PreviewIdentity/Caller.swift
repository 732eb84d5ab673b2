/// Who sent a request, once its credentials were found good.
public struct Caller: Hashable, Sendable {
    /// The name under which this caller acts, for example in a preview's owner annotation.
    public let identity: String

    public init(identity: String) {
        self.identity = identity
    }
}
