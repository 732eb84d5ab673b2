internal import Basics

/// The limits of the router.
public struct RouterLimits: Hashable, Sendable {
    /// The largest number of concurrent event streams.
    public var maxStreams = 1_000
    /// The largest number of other concurrent requests.
    public var maxRequests = 200
    /// The time limit for a connection to the core API.
    public var connectTimeout = Duration.seconds(5)
    /// The time limit from a request, or from the last part of its body, until the head of the response.
    public var headTimeout = Duration.seconds(300)
    /// The number of attempts for a request that was certainly not sent.
    public var maxAttempts = 2
    /// The number of bytes of one body that are buffered in one direction.
    public var maxBufferedBytes = 128 * 1_024

    public init() {}
}

/// The places of forwarded requests. Streams are counted separately, so that they do not use the places of requests
/// with an end.
final class RouterPlaces: Sendable {
    /// The kind as which a request is counted.
    enum Kind: String, Sendable, CaseIterable {
        case stream
        case request
    }

    private let streams: ConcurrencyLimit
    private let requests: ConcurrencyLimit

    init(_ limits: RouterLimits) {
        streams = ConcurrencyLimit(limits.maxStreams)
        requests = ConcurrencyLimit(limits.maxRequests)
    }

    /// The number of forwarded requests of a kind.
    func count(_ kind: Kind) -> Int { places(kind).count }

    /// - Returns: False if there is no place. If true, ``leave(_:)`` has to follow.
    func enter(_ kind: Kind) -> Bool { places(kind).enter() }

    func leave(_ kind: Kind) { places(kind).leave() }

    /// Changes the kind of a request.
    ///
    /// - Returns: The kind as which it is counted from now on: if there is no place, it is unchanged.
    func move(_ kind: Kind, to other: Kind) -> Kind {
        guard kind != other, enter(other) else { return kind }
        leave(kind)
        return other
    }

    private func places(_ kind: Kind) -> ConcurrencyLimit { kind == .stream ? streams : requests }
}
