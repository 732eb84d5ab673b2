public import Basics
internal import CoreAPI
public import HTTPTransport
internal import HTTPTypes
public import Logging
public import Metrics
internal import Synchronization

/// Forwards requests to the core API, and its responses to the client: the runner of this module's values.
///
/// It changes only what HTTP requires an intermediary to change (RFC 9110 section 7.6), and buffers only a few bytes
/// between the two connections. It uses no cluster and no credentials. It is a class, since otherwise every forwarded
/// request, and every connection, would hold a copy of its many parts.
public final class CoreRouter: Sendable {
    fileprivate let base: BaseURL
    fileprivate let transport: any HTTPTransport
    fileprivate let streams: any HTTPTransport
    fileprivate let limits: RouterLimits
    fileprivate let slots: RouterSlots
    fileprivate let metrics: RouterMetrics
    fileprivate let logger: Logger
    fileprivate let observer: @Sendable (_ isReachable: Bool) -> Void

    /// - Parameters:
    ///   - base: The core API's URL.
    ///   - transport: The transport to the core API; its connections are used for nothing else.
    ///   - streams: The transport for event streams, so that their number does not affect the other requests.
    ///   - observer: Is notified after every request whether the core API answered it.
    public init(
        to base: BaseURL,
        transport: any HTTPTransport,
        streams: (any HTTPTransport)? = nil,
        limits: RouterLimits = RouterLimits(),
        metrics: any MetricsFactory,
        logger: Logger,
        observer: @escaping @Sendable (_ isReachable: Bool) -> Void = { _ in }
    ) {
        self.base = base
        self.transport = transport
        self.streams = streams ?? transport
        self.limits = limits
        slots = RouterSlots(limits)
        self.metrics = RouterMetrics(metrics)
        self.logger = logger
        self.observer = observer
    }

    /// Forwards one request.
    ///
    /// - Parameter deliver: Sends the response to the client. Called once, unless the client disconnects before.
    /// - Throws: If the response ended early, in which case the client's connection has to be closed too, or the client
    ///   has disconnected.
    public func forward(
        _ request: RoutedRequest,
        deliver: @escaping @Sendable (RoutedResponse) async throws -> Void
    ) async throws {
        let exchange = ForwardedExchange(request, through: self, deliver)
        try await RequestTrace.$current.withValue(exchange.trace, operation: exchange.run)
    }

    /// Updates the gauges for the page of metrics.
    public func updateGauges() {
        for kind in RouterSlots.Kind.allCases { metrics.open(slots.count(kind), kind) }
    }
}

/// One request in progress. It is an object, so that it uses little memory of the waiting task, which waits for hours
/// if the response is a stream.
private final class ForwardedExchange: Sendable {
    private struct State {
        var kind: RouterSlots.Kind
        /// True once the response has begun, after which no other can be sent.
        var hasResponse = false
    }

    let trace: RequestTrace
    private let router: CoreRouter
    private let request: RoutedRequest
    private let id: RequestID
    private let deliver: @Sendable (RoutedResponse) async throws -> Void
    private let begun = ContinuousClock.now
    private let state: Mutex<State>

    init(
        _ request: RoutedRequest,
        through router: CoreRouter,
        _ deliver: @escaping @Sendable (RoutedResponse) async throws -> Void
    ) {
        self.router = router
        self.request = request
        self.deliver = deliver
        id = RequestID(of: request.head.headerFields)
        trace = RequestTrace(of: request.head.headerFields, requestID: id.description)
        state = Mutex(State(kind: request.requestsEventStream ? .stream : .request))
    }

    func run() async throws {
        do {
            if let refusal = Refusal(request.head, hasBody: request.hasBody) { throw refusal }
            guard router.slots.acquire(state.withLock(\.kind)) else { throw Refusal.full }
            defer { router.slots.release(state.withLock(\.kind)) }
            try await send()
        } catch let refusal as Refusal {
            router.metrics.recordFailure(refusal.phase, refusal.cause)
            router.metrics.recordResponse(refusal.status.code, from: .router)
            log("a request was not forwarded", status: refusal.status.code)
            try await deliver(refusal.response(id: id.description))
        }
    }

    /// - Throws: A ``Refusal`` if there is no response, and any other error if it ended early.
    private func send() async throws {
        let transport = request.requestsEventStream ? router.streams : router.transport
        var attempt = 1
        while true {
            do {
                return try await transport.withResponse(to: transportRequest, receive)
            } catch {
                try failed(error, attempt: attempt)
                attempt += 1
            }
        }
    }

    @Sendable private func receive(_ response: TransportResponse) async throws {
        try await deliver(begin(response))
        log("a request was forwarded", status: response.head.status.code)
    }

    private func begin(_ response: TransportResponse) -> RoutedResponse {
        let (router, code) = (router, response.head.status.code)
        router.observer(!CoreAPIReachability.meansUnreachable(code))
        router.metrics.headArrived(after: .now - begun)
        router.metrics.recordResponse(code, from: .core)
        state.withLock { state in
            state.hasResponse = true
            if MediaType.isEventStream(response.head) { state.kind = router.slots.move(state.kind, to: .stream) }
        }
        return RoutedResponse(head: ForwardedResponse.head(response.head, id: id.description), body: .stream(response))
    }

    /// Returns if the request may be sent again.
    ///
    /// - Throws: A ``Refusal`` if there is no response, and any other error if it ended early.
    private func failed(_ error: any Error, attempt: Int) throws {
        let (router, hasResponse) = (router, state.withLock(\.hasResponse))
        if request.abort.isAborted || Task.isCancelled {
            router.metrics.recordFailure(hasResponse ? .body : .head, "client_gone")
            throw CancellationError()
        }
        guard !hasResponse else {
            router.metrics.recordFailure(.body, (error as? TransportError)?.kind.rawValue ?? "client_gone")
            router.logger.info("the core API's response ended early", metadata: ["request": "\(id)"])
            throw error
        }
        guard let error = error as? TransportError else { throw error }
        // No part of the body was read: it is requested only once a connection exists.
        if error.requestHadNoEffect, error.kind != .invalidRequest, attempt < router.limits.maxAttempts { return }
        if error.kind != .invalidRequest { router.observer(false) }
        throw Refusal(error, headTimeout: router.limits.headTimeout)
    }

    private var transportRequest: TransportRequest {
        let forwarded = ForwardedRequest(
            request.head,
            client: request.client,
            to: router.base,
            id: id.isNew ? id.description : nil
        )
        var message = TransportRequest(head: forwarded.head, timeout: nil, headTimeout: router.limits.headTimeout)
        message.isVerbatim = true
        message.abort = request.abort
        switch request.body {
        case .none: break
        case .bytes(let bytes): message.body = bytes
        case .upload(let upload): message.upload = upload
        }
        return message
    }

    /// Logs the request's ID, never its path, which may contain a token.
    private func log(_ message: Logger.Message, status: Int) {
        router.logger.debug(
            message,
            metadata: ["request": "\(id)", "method": "\(request.head.method)", "status": "\(status)"]
        )
    }
}

extension RoutedRequest {
    fileprivate var hasBody: Bool {
        if case .none = body { false } else { true }
    }
}
