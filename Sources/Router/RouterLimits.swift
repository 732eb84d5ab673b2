internal import Synchronization

/// What the router may cost.
public struct RouterLimits: Hashable, Sendable {
    /// The most event streams at once.
    public var maxStreams = 1_000
    /// The most other requests at once.
    public var maxRequests = 200
    /// The longest time until a connection to the core API is ready.
    public var connectTimeout = Duration.seconds(5)
    /// The longest time from a request, or from the last part of its body, until the head of the answer.
    public var headTimeout = Duration.seconds(300)
    /// How many times a request that was certainly not sent is tried.
    public var maxAttempts = 2
    /// The number of bytes of one body, in one direction, that wait in this service.
    public var maxBufferedBytes = 128 * 1_024

    public init() {}
}

/// The places of requests that are passed on. Streams are counted apart, so that they take none from requests with an end.
final class RouterPlaces: Sendable {
    /// What a request counts as.
    enum Kind: String, Sendable, CaseIterable {
        case stream
        case request
    }

    private struct State {
        var streams = 0
        var requests = 0

        subscript(kind: Kind) -> Int {
            get { kind == .stream ? streams : requests }
            set { if kind == .stream { streams = newValue } else { requests = newValue } }
        }
    }

    private let limits: RouterLimits
    private let state = Mutex(State())

    init(_ limits: RouterLimits) {
        self.limits = limits
    }

    /// How many requests of a kind are passed on now.
    func count(_ kind: Kind) -> Int { state.withLock { $0[kind] } }

    /// - Returns: False when there is no place. If true, ``leave(_:)`` has to follow.
    func enter(_ kind: Kind) -> Bool {
        state.withLock { state in
            guard state[kind] < limit(kind) else { return false }
            state[kind] += 1
            return true
        }
    }

    func leave(_ kind: Kind) {
        state.withLock { $0[kind] -= 1 }
    }

    /// Counts a request as another kind.
    ///
    /// - Returns: The kind that it counts as from now on: where there is no place it stays what it was.
    func move(_ kind: Kind, to other: Kind) -> Kind {
        guard kind != other, enter(other) else { return kind }
        leave(kind)
        return other
    }

    private func limit(_ kind: Kind) -> Int {
        kind == .stream ? limits.maxStreams : limits.maxRequests
    }
}
