import DequeModule
import Synchronization

/// The changes of one kind, for one reader, in the order of their resourceVersions.
///
/// At most ``ObjectStore/Limits/watchBuffer`` changes wait for the reader. One who falls further behind is cut off: the
/// sequence ends, and ``wasCutOff`` says why. Cancelling the reader's task ends it too.
package struct ObjectChanges: AsyncSequence, Sendable {
    package typealias Element = ObjectChange
    package typealias Failure = Never

    let buffer: ObjectChangeBuffer

    /// True once the reader was too slow.
    package var wasCutOff: Bool { buffer.wasCutOff }

    /// Ends the sequence after the changes that wait already.
    package func finish() { buffer.finish() }

    package struct AsyncIterator: AsyncIteratorProtocol {
        private let buffer: ObjectChangeBuffer
        private var arrivals: AsyncStream<Void>.AsyncIterator

        init(_ buffer: ObjectChangeBuffer) {
            self.buffer = buffer
            arrivals = buffer.arrivals.makeAsyncIterator()
        }

        package mutating func next() async -> ObjectChange? {
            await next(isolation: nil)
        }

        package mutating func next(isolation actor: isolated (any Actor)?) async -> ObjectChange? {
            while true {
                if let change = buffer.takeFirst() { return change }
                guard await arrivals.next(isolation: actor) != nil else { return buffer.takeFirst() }
            }
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(buffer) }
}

/// What waits for the reader of ``ObjectChanges``.
///
/// The store appends under its own lock, which keeps the order, and wakes the reader after it has let the lock go.
final class ObjectChangeBuffer: Sendable {
    private struct State {
        var changes: Deque<ObjectChange>
        var wasCutOff = false
        var isFinished = false
    }

    private let state: Mutex<State>
    private let capacity: Int
    private let matches: @Sendable (JSONValue) -> Bool
    private let wake: AsyncStream<Void>.Continuation
    /// Yields after changes have arrived; ends with the sequence.
    let arrivals: AsyncStream<Void>

    init(initial: [ObjectChange], capacity: Int, matches: @escaping @Sendable (JSONValue) -> Bool) {
        state = Mutex(State(changes: Deque(initial)))
        self.capacity = initial.count + capacity
        self.matches = matches
        (arrivals, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        wake.yield()
    }

    var wasCutOff: Bool { state.withLock(\.wasCutOff) }

    /// Takes in a change if it concerns this reader.
    func append(_ change: ObjectChange) {
        guard let change = change.seen(through: matches) else { return }
        state.withLock { state in
            guard !state.isFinished else { return }
            if state.changes.count < capacity {
                state.changes.append(change)
            } else {
                state.wasCutOff = true
                state.isFinished = true
                state.changes.removeAll()
            }
        }
    }

    /// Wakes the reader, or ends its sequence when it was cut off.
    func signal() {
        if state.withLock(\.isFinished) { wake.finish() } else { wake.yield() }
    }

    func finish() {
        state.withLock { $0.isFinished = true }
        wake.finish()
    }

    func takeFirst() -> ObjectChange? {
        state.withLock { $0.changes.popFirst() }
    }

    /// True once nobody needs to append any more.
    var isFinished: Bool { state.withLock(\.isFinished) }
}
