internal import Synchronization

/// A number that concurrent tasks read and increase.
public final class SharedCount: Sendable {
    private let number = Mutex(0)

    public init() {}

    public var value: Int { number.withLock(\.self) }

    /// Returns the new value.
    @discardableResult
    public func add(_ more: Int = 1) -> Int {
        number.withLock { number in
            number += more
            return number
        }
    }
}

/// A condition that one task sets and others read.
public final class SharedFlag: Sendable {
    private let flag = Mutex(false)

    public init() {}

    public var isSet: Bool {
        get { flag.withLock(\.self) }
        set { flag.withLock { $0 = newValue } }
    }
}
