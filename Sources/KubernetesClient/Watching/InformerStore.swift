public import KubernetesModel
import Synchronization

/// What an informer of one namespace knows, by name: one writer, the informer's handler, and any number of readers.
///
/// It holds what exists in the cluster and nothing else, which is its bound; what is kept of an object is up to the
/// writer. It is a copy and can be behind: what it says about an object was true at some time, and what it does not
/// know may exist.
public final class InformerStore<Value: Sendable>: Sendable {
    private struct State {
        var values: [String: Value] = [:]
        var isCurrent = false
    }

    private let state = Mutex(State())

    public init() {}

    /// Takes one event.
    ///
    /// - Parameters:
    ///   - event: What the informer told.
    ///   - keep: What is to be kept of an object.
    public func apply<Object: MetadataHolder>(_ event: InformerEvent<Object>, keep: (Object) -> Value) {
        switch event {
        case .replaced(let objects):
            let values = Dictionary(objects.map { ($0.metadata.name, keep($0)) }) { _, last in last }
            state.withLock { $0 = State(values: values, isCurrent: true) }
        case .applied(let object):
            let value = keep(object)
            state.withLock { $0.values[object.metadata.name] = value }
        case .deleted(let object):
            state.withLock { $0.values[object.metadata.name] = nil }
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
        state.withLock { $0.isCurrent ? $0.values[name] : nil }
    }
}
