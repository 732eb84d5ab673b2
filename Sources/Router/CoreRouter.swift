public import Basics
public import ChannelTLS
internal import CoreAPI
internal import HTTPTransport
internal import HTTPTypes
public import Logging
public import Metrics
public import NIOCore
public import NIOPosix
internal import Synchronization

/// Forwards requests to the core API, and its responses to the clients.
///
/// It changes only what HTTP requires an intermediary to change (RFC 9110 section 7.6), and buffers only as much of a body as
/// was read before the other connection accepted no more. It uses no cluster and no credentials. A request is forwarded on the
/// event loop of its client's connection (Docs/Decisions/0087).
public final class CoreRouter: Sendable {
    let base: BaseURL
    let limits: RouterLimits
    let slots: RouterSlots
    let metrics: RouterMetrics
    let logger: Logger
    let observer: @Sendable (_ isReachable: Bool) -> Void
    let eventLoops: any EventLoopGroup
    /// Verifies the core API's certificate; `nil` without TLS.
    private let tls: TLSClientContext?
    private let pools = Mutex<[ObjectIdentifier: NIOLoopBound<CoreConnectionPool>]>([:])

    /// - Parameters:
    ///   - base: The core API's URL.
    ///   - tls: Verifies the core API's certificate if the URL is an `https` one; `nil` trusts the system's authorities.
    ///   - eventLoops: The event loops for requests without a client's connection.
    ///   - observer: Is notified after every request whether the core API answered it.
    /// - Throws: ``TLSFailure`` if the system's authorities cannot be used.
    public init(
        to base: BaseURL,
        tls: TLSClientContext? = nil,
        limits: RouterLimits = RouterLimits(),
        eventLoops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        metrics: any MetricsFactory,
        logger: Logger,
        observer: @escaping @Sendable (_ isReachable: Bool) -> Void = { _ in }
    ) throws(TLSFailure) {
        self.base = base
        if CoreAddress(base).isTLS, tls == nil {
            self.tls = try TLSClientContext()
        } else {
            self.tls = tls
        }
        self.limits = limits
        self.eventLoops = eventLoops
        slots = RouterSlots(limits)
        self.metrics = RouterMetrics(metrics)
        self.logger = logger
        self.observer = observer
    }

    /// The connections of an event loop, on which this is called.
    public func pool(on eventLoop: any EventLoop) -> CoreConnectionPool {
        pools.withLock { pools in
            if let pool = pools[ObjectIdentifier(eventLoop)] { return pool.value }
            let pool = CoreConnectionPool(address: CoreAddress(base), tls: tls, limits: limits, eventLoop: eventLoop)
            pools[ObjectIdentifier(eventLoop)] = NIOLoopBound(pool, eventLoop: eventLoop)
            return pool
        }
    }

    /// Closes all connections that are not used, and the others after their requests.
    public func shutdown() async {
        for pool in pools.withLock({ Array($0.values) }) {
            try? await pool.eventLoop.submit { pool.value.shutdown() }.get()
        }
    }

    /// Updates the gauges for the page of metrics.
    public func updateGauges() {
        for kind in RouterSlots.Kind.allCases { metrics.open(slots.count(kind), kind) }
    }

    // MARK: Records

    func responded(_ status: Int, after time: TimeAmount) {
        observer(!CoreAPIReachability.meansUnreachable(status))
        metrics.headArrived(after: time)
        metrics.recordResponse(status, from: .core)
    }

    func forwarded(_ id: RequestID, _ method: HTTPRequest.Method) {
        log("a request was forwarded", id, method)
    }

    func responseEndedEarly(_ error: TransportError, _ id: RequestID) {
        metrics.recordFailure(.body, error.kind.rawValue)
        logger.info("the core API's response ended early", metadata: ["request": "\(id)"])
    }

    func refused(_ refusal: Refusal, _ id: RequestID, _ method: HTTPRequest.Method, because reason: String?) {
        metrics.recordFailure(refusal.phase, refusal.cause)
        metrics.recordResponse(refusal.status.code, from: .router)
        log("a request was not forwarded: \(reason ?? refusal.cause)", id, method)
    }

    /// Logs the request's ID, never its path, which may contain a token.
    private func log(_ message: Logger.Message, _ id: RequestID, _ method: HTTPRequest.Method) {
        logger.debug(message, metadata: ["request": "\(id)", "method": "\(method)"])
    }
}
