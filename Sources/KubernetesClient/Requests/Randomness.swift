import Synchronization

/// Where jitter comes from.
public struct Randomness: Sendable {
    private let next: @Sendable () -> Double

    /// Takes random numbers from `generator`, which a test seeds.
    public init(_ generator: some RandomNumberGenerator & Sendable) {
        let box = Box(generator)
        next = { box.next() }
    }

    /// The system's random numbers.
    public static let system = Randomness(SystemRandomNumberGenerator())

    /// A number in 0..<1.
    public func unit() -> Double {
        next()
    }

    private final class Box<Generator: RandomNumberGenerator & Sendable>: Sendable {
        private let generator: Mutex<Generator>

        init(_ generator: Generator) {
            self.generator = Mutex(generator)
        }

        func next() -> Double {
            generator.withLock { Double.random(in: 0..<1, using: &$0) }
        }
    }
}
