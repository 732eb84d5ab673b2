public import Basics
public import CoreAPI
public import HTTPTransport
internal import HTTPTypes
public import Logging
public import Metrics
internal import Synchronization

/// Passes requests on to the core API, and its answers back: the runner of this module's values.
///
/// Nothing is changed but what HTTP obliges an intermediary to change (RFC 9110 section 7.6), and nothing is held but the few
/// bytes between two connections. It knows no cluster and no credentials.
public struct CoreRouter: Sendable {
    private let base: BaseURL
    private let transport: any HTTPTransport
    private let streams: any HTTPTransport
    private let limits: RouterLimits
    private let places: RouterPlaces
    private let metrics: RouterMetrics
    private let logger: Logger
    private let observer: @Sendable (_ isReachable: Bool) -> Void

    /// - Parameters:
    ///   - base: Where the core API is.
    ///   - transport: Reaches it; nobody else's requests are on its connections.
    ///   - streams: Reaches it for event streams. However many of these there are, the transport of the other requests does
    ///     not have to look after them.
    ///   - observer: Gets told of every request whether the core API answered it.
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
        places = RouterPlaces(limits)
        self.metrics = RouterMetrics(metrics)
        self.logger = logger
        self.observer = observer
    }

    /// Passes one request on.
    ///
    /// - Parameter deliver: Sends the answer to the client. Called once, unless the client is gone before.
    /// - Throws: When the answer broke off, so that the client's connection has to break off too, or the client is gone.
    public func pass(
        _ request: RoutedRequest,
        deliver: @Sendable (RoutedAnswer) async throws -> Void
    ) async throws {
        let id = RequestID(of: request.head.headerFields)
        let trace = RequestTrace(of: request.head.headerFields, requestID: id.description)
        try await RequestTrace.$current.withValue(trace) { try await pass(request, id, deliver) }
    }

    private func pass(
        _ request: RoutedRequest,
        _ id: RequestID,
        _ deliver: @Sendable (RoutedAnswer) async throws -> Void
    ) async throws {
        let kind: RouterPlaces.Kind = request.asksForStream ? .stream : .request
        if let refusal = Refusal(request.head, hasBody: request.hasBody) {
            return try await answer(refusal, to: request, id, deliver)
        }
        guard places.enter(kind) else { return try await answer(.full, to: request, id, deliver) }
        let exchange = Exchange(kind: kind)
        defer { places.leave(exchange.kind) }
        do {
            try await send(transportRequest(request, id), exchange, request, id, deliver)
        } catch let refusal as Refusal {
            try await answer(refusal, to: request, id, deliver)
        }
    }

    /// What is remembered of one request while it is passed on.
    private final class Exchange: Sendable {
        private struct State {
            var kind: RouterPlaces.Kind
            var hasAnswer = false
        }

        private let state: Mutex<State>
        let begun = ContinuousClock.now

        init(kind: RouterPlaces.Kind) {
            state = Mutex(State(kind: kind))
        }

        var kind: RouterPlaces.Kind {
            get { state.withLock { $0.kind } }
            set { state.withLock { $0.kind = newValue } }
        }

        /// True once the answer has begun, after which no other can be given.
        var hasAnswer: Bool {
            get { state.withLock { $0.hasAnswer } }
            set { state.withLock { $0.hasAnswer = newValue } }
        }
    }

    /// - Throws: A ``Refusal`` where there is no answer, and anything else where it broke off.
    private func send(
        _ message: TransportRequest,
        _ exchange: Exchange,
        _ request: RoutedRequest,
        _ id: RequestID,
        _ deliver: @Sendable (RoutedAnswer) async throws -> Void
    ) async throws {
        let transport = request.asksForStream ? streams : transport
        var attempt = 1
        while true {
            do {
                return try await transport.withResponse(to: message) { response in
                    exchange.hasAnswer = true
                    observer(!CoreAPIReachability.meansUnreachable(response.head.status.code))
                    metrics.headArrived(after: .now - exchange.begun)
                    metrics.answered(response.head.status.code, by: .core)
                    if MediaType.isEventStream(response.head) {
                        exchange.kind = places.move(exchange.kind, to: .stream)
                    }
                    let head = ForwardedAnswer.head(response.head, id: id.description)
                    try await deliver(RoutedAnswer(head: head, body: .stream(response)))
                    log("a request was passed on", request, id, status: response.head.status.code)
                }
            } catch {
                if request.departure.isAborted || Task.isCancelled {
                    metrics.failed(exchange.hasAnswer ? .body : .head, "client_gone")
                    throw CancellationError()
                }
                guard !exchange.hasAnswer else {
                    metrics.failed(.body, (error as? TransportError)?.kind.rawValue ?? "client_gone")
                    logger.info("the core API's answer broke off", metadata: ["request": "\(id)"])
                    throw error
                }
                guard let error = error as? TransportError else { throw error }
                // Nothing of the body is gone: it is asked for only once a connection is there.
                if error.requestHadNoEffect, error.kind != .invalidRequest, attempt < limits.maxAttempts {
                    attempt += 1
                    continue
                }
                if error.kind != .invalidRequest { observer(false) }
                throw Refusal(error, headTimeout: limits.headTimeout)
            }
        }
    }

    private func transportRequest(_ request: RoutedRequest, _ id: RequestID) -> TransportRequest {
        let forwarded = ForwardedRequest(
            request.head,
            client: request.client,
            scheme: request.scheme,
            to: base,
            id: id.isNew ? id.description : nil
        )
        var message = TransportRequest(head: forwarded.head, timeout: nil, headTimeout: limits.headTimeout)
        message.isVerbatim = true
        message.abort = request.departure
        switch request.body {
        case .none: break
        case .bytes(let bytes): message.body = bytes
        case .upload(let upload): message.upload = upload
        }
        return message
    }

    private func answer(
        _ refusal: Refusal,
        to request: RoutedRequest,
        _ id: RequestID,
        _ deliver: @Sendable (RoutedAnswer) async throws -> Void
    ) async throws {
        metrics.failed(refusal.phase, refusal.cause)
        metrics.answered(refusal.status.code, by: .router)
        log("a request was not passed on", request, id, status: refusal.status.code)
        try await deliver(refusal.answer(id: id.description))
    }

    /// By the request's id, never by its path, which may hold a token.
    private func log(_ message: Logger.Message, _ request: RoutedRequest, _ id: RequestID, status: Int) {
        logger.debug(
            message,
            metadata: ["request": "\(id)", "method": "\(request.head.method)", "status": "\(status)"]
        )
    }

    /// Records what is true now, for the page of metrics.
    public func observe() {
        for kind in RouterPlaces.Kind.allCases { metrics.open(places.count(kind), kind) }
    }
}

extension RoutedRequest {
    fileprivate var hasBody: Bool {
        if case .none = body { false } else { true }
    }
}
