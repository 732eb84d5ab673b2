internal import Basics
internal import PreviewDomain

/// Decides which readers of event streams get the pending requests of which child runs: a pure state machine.
///
/// Only the core API says which run is the parent of another, and to whom it shows a run. A reader of the stream of run
/// P gets the pending requests of run Q if the core API has shown Q to the reader's own bearer token, with P as its parent.
/// As long as the parent of Q is not known, the core API is asked about Q with one bearer token after the other; after that
/// only with those of the readers of P. One request for each run is in progress at a time.
struct ChildRequests: Sendable {
    /// Names an open stream.
    typealias StreamID = Int
    /// Names a bearer token with open streams.
    typealias ReaderID = Int

    /// A request to the core API about a run, as a reader.
    struct Lookup: Hashable, Sendable {
        let run: RunID
        let reader: ReaderID
        let bearer: Secret
    }

    enum Answer: Hashable, Sendable {
        /// The core API has shown the run.
        case shown(parent: RunID?)
        /// The core API does not show the run to this reader.
        case hidden
        /// There is no decision; the lookup may be repeated.
        case unavailable
    }

    private enum Parent: Hashable {
        case unknown
        case known(RunID?)
    }

    private struct Stream {
        let run: RunID
        let reader: ReaderID
    }

    private struct Reader {
        let bearer: Secret
        var streams: Set<StreamID>
    }

    /// A run with pending requests.
    private struct Child {
        var requests: [Approval]
        var parent = Parent.unknown
        /// Whether the core API shows the run, by the readers that were asked for.
        var answers: [ReaderID: Bool] = [:]
        var isLookedUp = false

        func isShown(to stream: Stream) -> Bool {
            parent == .known(stream.run) && answers[stream.reader] == true
        }
    }

    /// The largest number of runs with pending requests that are followed; further ones are followed when one of these
    /// has no pending request any more.
    static let maxRuns = 256
    /// The largest number of readers with whose bearer tokens the parent of one run is searched for.
    static let maxReaders = 64

    private var streams: [StreamID: Stream] = [:]
    private var readers: [ReaderID: Reader] = [:]
    private var readerIDs: [Secret: ReaderID] = [:]
    private var children: [RunID: Child] = [:]
    private var next = 0

    var hasStreams: Bool { !streams.isEmpty }

    // MARK: Streams

    /// Adds a stream of `run` whose reader presented `bearer`.
    mutating func open(_ run: RunID, as bearer: Secret) -> StreamID {
        next += 1
        let reader = readerIDs[bearer] ?? next
        readerIDs[bearer] = reader
        readers[reader, default: Reader(bearer: bearer, streams: [])].streams.insert(next)
        streams[next] = Stream(run: run, reader: reader)
        return next
    }

    /// Removes a stream, and with the last stream of a reader everything about the reader.
    mutating func close(_ id: StreamID) {
        guard let reader = streams.removeValue(forKey: id)?.reader else { return }
        readers[reader]?.streams.remove(id)
        guard let bearer = readers[reader]?.bearer, readers[reader]?.streams.isEmpty == true else { return }
        readers[reader] = nil
        readerIDs[bearer] = nil
        for run in children.keys { children[run]?.answers[reader] = nil }
    }

    /// The requests that the reader of a stream gets, the oldest first.
    func requests(for id: StreamID) -> [Approval] {
        guard let stream = streams[id] else { return [] }
        return children.values.filter { $0.isShown(to: stream) }.flatMap(\.requests)
            .sorted { ($0.requestedAt, $0.id.text) < ($1.requestedAt, $1.id.text) }
    }

    // MARK: Events

    /// Processes the pending requests of all runs.
    ///
    /// - Returns: The streams whose readers' requests have changed.
    mutating func pendingChanged(_ pending: [RunID: [Approval]]) -> [StreamID] {
        var changed: [StreamID] = []
        for (run, child) in children {
            let requests = pending[run]
            guard child.requests != requests else { continue }
            changed += streams.filter { child.isShown(to: $0.value) }.map(\.key)
            if let requests { children[run]?.requests = requests } else { children[run] = nil }
        }
        for (run, requests) in pending where children[run] == nil {
            guard children.count < Self.maxRuns else { break }
            children[run] = Child(requests: requests)
        }
        return changed
    }

    /// Begins the next request to the core API; ``lookup(_:ended:)`` has to follow.
    mutating func nextLookup() -> Lookup? {
        for (run, child) in children where !child.isLookedUp {
            guard let id = nextReader(for: run, child), let reader = readers[id] else { continue }
            children[run]?.isLookedUp = true
            return Lookup(run: run, reader: id, bearer: reader.bearer)
        }
        return nil
    }

    /// Processes the core API's answer.
    ///
    /// - Returns: The streams whose readers' requests have changed.
    mutating func lookup(_ lookup: Lookup, ended answer: Answer) -> [StreamID] {
        guard var child = children[lookup.run] else { return [] }
        child.isLookedUp = false
        if readers[lookup.reader] != nil {
            switch answer {
            case .shown(let parent):
                child.answers[lookup.reader] = true
                child.parent = .known(parent == lookup.run ? nil : parent)
            case .hidden: child.answers[lookup.reader] = false
            case .unavailable: break
            }
        }
        children[lookup.run] = child
        guard case .shown = answer else { return [] }
        return readers[lookup.reader]?.streams.filter { streams[$0].map(child.isShown) ?? false } ?? []
    }

    /// The reader with whose bearer token the core API is asked about a run next, the latest first.
    private func nextReader(for run: RunID, _ child: Child) -> ReaderID? {
        switch child.parent {
        case .known(nil): return nil
        case .known(let parent?):
            return streams.values.filter { $0.run == parent && child.answers[$0.reader] == nil }.map(\.reader).max()
        case .unknown:
            guard child.answers.count < Self.maxReaders else { return nil }
            return readers.keys.filter { child.answers[$0] == nil }.max()
        }
    }
}
