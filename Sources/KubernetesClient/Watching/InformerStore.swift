import Synchronization

/// What an informer of one namespace knows, by name: one writer, the informer's handler, and any number of readers.
///
/// It holds what exists in the cluster and nothing else, which is its bound; what is kept of an object is up to the
/// writer. It is a copy and can be behind: what it says about an object was true at some time, and what it does not
/// know may exist.
public final class InformerStore<Value: Sendable>: Sendable {
    /// A value apart from the table, of which at least a quarter is empty.
    private final class Entry: Sendable {
        let value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var isCurrent = false
    }

    private let state = Mutex(State())

    public init() {}

    /// Takes one event.
    ///
    /// - Parameters:
    ///   - event: What the informer told.
    ///   - entry: Under which name what is kept.
    public func apply<Kept>(_ event: InformerEvent<Kept>, entry: (Kept) -> (name: String, value: Value)) {
        switch event {
        case .replaced(let objects):
            let entries = Dictionary(objects.lazy.map(entry).map { ($0.name, Entry($0.value)) }) { _, last in last }
            state.withLock { $0 = State(entries: entries, isCurrent: true) }
        case .applied(let object):
            let (name, value) = entry(object)
            state.withLock { $0.entries[name] = Entry(value) }
        case .deleted(let object):
            let (name, _) = entry(object)
            state.withLock { $0.entries[name] = nil }
        case .dropped(let name):
            state.withLock { $0.entries[name] = nil }
        case .interrupted:
            state.withLock { $0.isCurrent = false }
        case .resumed:
            state.withLock { $0.isCurrent = true }
        }
    }

    /// Whether the first list has arrived and the watch has not broken since, as far as this side can tell.
    public var isCurrent: Bool { state.withLock { $0.isCurrent } }

    /// The object of this name.
    ///
    /// - Returns: `nil` if there is none, and also while the store is not current: ask the cluster which of the two.
    public func value(named name: String) -> Value? {
        state.withLock { $0.isCurrent ? $0.entries[name]?.value : nil }
    }
}
