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
    /// The number of attempts for a request that may be sent again (``ForwardedExchange``).
    public var maxAttempts = 2
    /// After how much silence TCP probes whether the core API's machine still exists. A stream without events stays open.
    public var keepaliveIdle = Duration.seconds(15)
    /// The interval of further TCP probes.
    public var keepaliveInterval = Duration.seconds(5)
    /// The number of consecutive unanswered probes after which the kernel closes the connection.
    public var keepaliveProbes = 4
    /// How long a connection without a request stays open. The core API's server closes one after 130 seconds, and a request
    /// that is sent at that moment is lost.
    public var maxIdle = Duration.seconds(60)
    /// The largest number of connections without a request, for each event loop.
    public var maxIdleConnections = 64

    public init() {}

    /// The largest number of connections to the core API.
    ///
    /// - Parameter eventLoops: The number of event loops, each of which has connections of its own.
    public func maxConnections(eventLoops: Int) -> Int {
        maxStreams + maxRequests + maxIdleConnections * eventLoops
    }
}

/// The slots of forwarded requests. Streams are counted separately, so that they do not use the slots of requests
/// with an end.
final class RouterSlots: Sendable {
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
    func count(_ kind: Kind) -> Int { slots(kind).count }

    /// - Returns: False if there is no slot. If true, ``release(_:)`` has to follow.
    func acquire(_ kind: Kind) -> Bool { slots(kind).acquire() }

    func release(_ kind: Kind) { slots(kind).release() }

    /// Changes the kind of a request.
    ///
    /// - Returns: The kind as which it is counted from now on: if there is no slot, it is unchanged.
    func move(_ kind: Kind, to other: Kind) -> Kind {
        guard kind != other, acquire(other) else { return kind }
        release(kind)
        return other
    }

    private func slots(_ kind: Kind) -> ConcurrencyLimit { kind == .stream ? streams : requests }
}
