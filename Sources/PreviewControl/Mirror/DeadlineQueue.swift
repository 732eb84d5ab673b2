internal import FoundationEssentials
internal import HeapModule

/// What is to be looked at again, and when, earliest first.
///
/// A key that is already queued for an earlier instant is not queued again: whoever takes it out finds that it is not
/// due yet and puts it back. A keepalive therefore costs no entry of its own, and the queue stays about as long as
/// there are keys.
struct DeadlineQueue<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        let deadline: Date
        let key: Key

        static func < (left: Entry, right: Entry) -> Bool { left.deadline < right.deadline }
        static func == (left: Entry, right: Entry) -> Bool { left.deadline == right.deadline }
    }

    private var heap = Heap<Entry>()
    /// The earliest instant for which each key is queued; entries that do not match are left-overs.
    private var queued: [Key: Date] = [:]

    /// The instant at which the first key is to be looked at.
    var next: Date? { heap.min?.deadline }

    /// Makes sure that `key` is looked at no later than at `deadline`; in the distant future nothing is.
    mutating func schedule(_ key: Key, at deadline: Date) {
        guard deadline < .distantFuture else { return }
        if let current = queued[key], current <= deadline { return }
        queued[key] = deadline
        heap.insert(Entry(deadline: deadline, key: key))
    }

    /// Takes out every key whose instant is `now` or earlier.
    mutating func takeDue(at now: Date) -> [Key] {
        var due: [Key] = []
        while let first = heap.min, first.deadline <= now {
            heap.removeMin()
            guard queued[first.key] == first.deadline else { continue }
            queued[first.key] = nil
            due.append(first.key)
        }
        return due
    }
}

extension Date? {
    /// Whether this deadline comes before another one; none comes after all.
    func isEarlier(than other: Date?) -> Bool {
        (self ?? .distantFuture) < (other ?? .distantFuture)
    }
}
