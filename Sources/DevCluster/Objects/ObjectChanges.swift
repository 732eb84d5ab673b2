import DequeModule
import Synchronization

/// The changes of one kind for one reader, in the order of their resourceVersions.
///
/// At most ``ObjectStore/Limits/watchBuffer`` changes are buffered. If the reader falls further behind, the sequence ends and
/// ``wasCutOff`` is true. Cancelling the reader's task also ends the sequence.
package struct ObjectChanges: AsyncSequence, Sendable {
    package typealias Element = ObjectChange
    package typealias Failure = Never

    let buffer: ObjectChangeBuffer

    /// Whether the sequence ended because the reader was too slow.
    package var wasCutOff: Bool { buffer.wasCutOff }

    /// Ends the sequence after the buffered changes.
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
            while let item = await nextItem(isolation: actor) {
                if case .change(let change) = item { return change }
            }
            return nil
        }

        /// The next change or bookmark; `nil` at the end.
        mutating func nextItem(isolation actor: isolated (any Actor)? = #isolation) async -> ObjectChangeBuffer.Item? {
            while true {
                if let item = buffer.takeFirst() { return item }
                guard await arrivals.next(isolation: actor) != nil else { return buffer.takeFirst() }
            }
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(buffer) }
}

/// The buffer of ``ObjectChanges``.
///
/// The store appends while it holds its lock, which preserves the order, and wakes the reader after it has released the lock.
final class ObjectChangeBuffer: Sendable {
    enum Item: Sendable, Hashable {
        case change(ObjectChange)
        /// All changes up to this version have been delivered.
        case bookmark(resourceVersion: Int)
    }

    private struct State {
        var items: Deque<Item>
        var wasCutOff = false
        var isFinished = false
    }

    private let state: Mutex<State>
    private let capacity: Int
    private let matches: @Sendable (JSONValue) -> Bool
    private let wake: AsyncStream<Void>.Continuation
    /// Yields when changes have arrived; ends with the sequence.
    let arrivals: AsyncStream<Void>

    init(initial: [ObjectChange], capacity: Int, matches: @escaping @Sendable (JSONValue) -> Bool) {
        state = Mutex(State(items: Deque(initial.map(Item.change))))
        self.capacity = initial.count + capacity
        self.matches = matches
        (arrivals, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        wake.yield()
    }

    var wasCutOff: Bool { state.withLock(\.wasCutOff) }

    /// Appends a change if it concerns this reader.
    func append(_ change: ObjectChange) {
        guard let change = change.filtered(by: matches) else { return }
        state.withLock { state in
            guard !state.isFinished else { return }
            if state.items.count < capacity {
                state.items.append(.change(change))
            } else {
                state.wasCutOff = true
                state.isFinished = true
                state.items.removeAll()
            }
        }
    }

    /// Wakes the reader, or ends its sequence if it was cut off.
    func signal() {
        if state.withLock(\.isFinished) { wake.finish() } else { wake.yield() }
    }

    /// Appends a bookmark, unless the buffer is full.
    func appendBookmark(resourceVersion: Int) {
        state.withLock { state in
            guard !state.isFinished, state.items.count < capacity else { return }
            state.items.append(.bookmark(resourceVersion: resourceVersion))
        }
        wake.yield()
    }

    func finish() {
        state.withLock { $0.isFinished = true }
        wake.finish()
    }

    func takeFirst() -> Item? {
        state.withLock { $0.items.popFirst() }
    }

    /// Whether no more changes are accepted.
    var isFinished: Bool { state.withLock(\.isFinished) }
}
