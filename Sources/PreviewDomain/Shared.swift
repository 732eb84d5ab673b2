/// A value that all copies share, so that a copy is eight bytes.
package final class Shared<Value: Hashable & Sendable>: Hashable, Sendable {
    package let value: Value

    package init(_ value: Value) {
        self.value = value
    }

    package static func == (left: Shared, right: Shared) -> Bool {
        left === right || left.value == right.value
    }

    package func hash(into hasher: inout Hasher) {
        value.hash(into: &hasher)
    }
}

extension Shared: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What the value says of itself: sharing it is nobody's business.
    package var description: String { String(describing: value) }
    package var debugDescription: String { String(reflecting: value) }
    package var customMirror: Mirror { Mirror(reflecting: value) }
}
