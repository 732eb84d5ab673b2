import Basics
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Synchronization

/// Sends requests: credential, slot, attempt, retry.
final class RequestExecutor: Sendable {
    /// A complete response with a status code of success.
    struct Response: Sendable {
        let head: HTTPResponse
        let body: [UInt8]
    }

    let serverClock: ServerClock
    let clock: any Clock<Duration>
    let randomness: Randomness
    let server: BaseURL
    private let credentials: CredentialStore
    private let transports: TransportPool
    private let slots = RequestSlots(
        count: RequestLimits.maxConcurrentRequests,
        maxWaiting: RequestLimits.maxWaitingRequests
    )
    private let retryPolicy: RetryPolicy
    private let observer: RequestObserver?
    private let remainingTime: @Sendable () -> Duration?
    private let failureObserver: FailureObserver?

    /// The `User-Agent` of every request.
    private static let userAgent = "preview-gateway/1"

    init(
        server: BaseURL,
        credentials: CredentialStore,
        transports: TransportPool,
        retryPolicy: RetryPolicy,
        clock: any Clock<Duration>,
        randomness: Randomness,
        observer: RequestObserver?,
        remainingTime: @escaping @Sendable () -> Duration?,
        failureObserver: FailureObserver?
    ) {
        self.server = server
        self.credentials = credentials
        self.transports = transports
        self.retryPolicy = retryPolicy
        self.clock = clock
        self.randomness = randomness
        self.observer = observer
        self.remainingTime = remainingTime
        self.failureObserver = failureObserver
        serverClock = ServerClock(clock: clock)
    }

    /// Sends `request` until it succeeds, fails permanently, or its budget or the caller's time is exhausted.
    ///
    /// - Throws: ``KubernetesError``, or `CancellationError` if the task is cancelled.
    func perform(_ request: APIRequest, limits: RequestLimits, retries: Bool = true) async throws -> Response {
        try await reportingFailure { try await send(request, limits: limits, retries: retries) }
    }

    private func send(_ request: APIRequest, limits: RequestLimits, retries: Bool) async throws -> Response {
        let elapsed = clock.stopwatch()
        let limits = limits.bounded(by: remainingTime())
        var attempts = 0
        var hasReplacedCredential = false
        while true {
            let credential = try await describing(request) {
                try await credentials.current(within: limits.totalBudget - elapsed())
            }
            attempts += 1
            do {
                return try await attempt(request, credential, limits: limits, elapsed: elapsed)
            } catch let error as KubernetesError {
                guard retries else { throw error }
                if error.kind == .unauthorized, !hasReplacedCredential {
                    hasReplacedCredential = true
                    let hasAnother = try await describing(request) {
                        try await credentials.replace(credential, within: limits.totalBudget - elapsed())
                    }
                    if hasAnother { continue }
                }
                let pause = retryPolicy.pause(
                    after: error,
                    isRead: request.verb.isRead,
                    attempts: attempts,
                    elapsed: elapsed(),
                    budget: limits.totalBudget,
                    jitter: randomness.unit()
                )
                guard let pause else { throw error }
                try await clock.sleep(for: pause)
            }
        }
    }

    /// One attempt, when its turn has come.
    private func attempt(
        _ request: APIRequest,
        _ credential: Credential,
        limits: RequestLimits,
        elapsed: @escaping @Sendable () -> Duration
    ) async throws -> Response {
        let send: @Sendable () async throws -> Response = {
            let budget = limits.totalBudget - elapsed()
            let remaining = min(budget, self.remainingTime() ?? budget)
            guard remaining > .zero else { throw Self.outOfTime }
            return try await self.send(request, credential, timeout: min(limits.attemptTimeout, remaining))
        }
        return try await describing(request) {
            if let answer = try await slots.withFreeSlot(send) { return answer }
            return try await clock.withDeadline(limits.totalBudget - elapsed()) {
                try await self.slots.withSlot(send)
            } onTimeout: {
                Self.outOfTime
            }
        }
    }

    private static let outOfTime = KubernetesError(
        .transport(.timedOut),
        "the request was not sent within its time limit"
    )

    private func send(_ request: APIRequest, _ credential: Credential, timeout: Duration) async throws -> Response {
        let transport = try transports.transport(for: credential)
        var message = TransportRequest(
            head: head(request, credential),
            body: request.body,
            timeout: timeout,
            usesOwnConnection: request.usesOwnConnection
        )
        // A delete that is repeated would be answered with 404, as if the object had been gone before.
        message.mayBeRepeated = request.verb.isRead
        let stopwatch = clock.stopwatch()
        let sent = serverClock.seconds
        do {
            let answer = try await transport.withResponse(to: message) { response in
                self.recordServerTime(response.head, sent: sent, isOwnConnection: request.usesOwnConnection)
                return try await Self.read(response, request)
            }
            observe(request, answer.head.status.code, "ok", stopwatch())
            return answer
        } catch {
            throw observed(request, error, stopwatch())
        }
    }

    private static func read(_ response: TransportResponse, _ request: APIRequest) async throws -> Response {
        guard response.head.status.kind == .successful else {
            throw try await failure(response, request)
        }
        return Response(
            head: response.head,
            body: try await response.body.collect(maxBytes: RequestLimits.maxBodyBytes)
        )
    }

    private static func failure(_ response: TransportResponse, _ request: APIRequest) async throws -> KubernetesError {
        let body = try await response.body.collect(maxBytes: RequestLimits.maxErrorBodyBytes)
        return KubernetesError(head: response.head, body: body, resource: request.resource)
    }
}

extension RequestExecutor {
    /// Opens a stream and passes its body to `handle`. It uses no retry and no slot, and does not read the `Date`
    /// header, which on a watch is the time when the watch began.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - maxSilence: After this time without a byte the body ends, as if the server had ended it.
    ///   - headTimeout: The time limit until the response begins.
    ///   - liveness: Ends the body, as if the server had ended it, when a new stream is requested.
    ///   - opened: Called when the server has accepted the stream. A request to `liveness` before that is answered by
    /// this stream, and not by another one.
    ///   - handle: Reads the body. Its errors are passed on unchanged, except that transport errors become
    /// ``KubernetesError``.
    func stream(
        _ request: APIRequest,
        maxSilence: Duration,
        headTimeout: Duration,
        liveness: WatchLiveness,
        opened: @Sendable () async throws -> Void,
        _ handle: @Sendable (TransportBody) async throws -> Void
    ) async throws {
        try await reportingFailure {
            var hasReplacedCredential = false
            while true {
                let credential = try await describing(request) { try await credentials.current() }
                do {
                    return try await describing(request) {
                        try await open(request, credential, maxSilence, headTimeout, liveness, opened, handle)
                    }
                } catch let error as KubernetesError where error.kind == .unauthorized && !hasReplacedCredential {
                    hasReplacedCredential = true
                    guard try await describing(request, { try await credentials.replace(credential) }) else {
                        throw error
                    }
                }
            }
        }
    }

    private func open(
        _ request: APIRequest,
        _ credential: Credential,
        _ maxSilence: Duration,
        _ headTimeout: Duration,
        _ liveness: WatchLiveness,
        _ opened: @Sendable () async throws -> Void,
        _ handle: @Sendable (TransportBody) async throws -> Void
    ) async throws {
        let transport = try transports.transport(for: credential)
        let stopwatch = clock.stopwatch()
        let head = head(request, credential)
        let hasBegun = Atomic(false)
        do {
            // Without a time-out the transport treats it as a stream, separate from other requests.
            try await transport.withResponse(
                to: TransportRequest(head: head, timeout: nil, headTimeout: headTimeout)
            ) { response in
                let status = response.head.status
                guard status.kind == .successful else {
                    return try await response.body.withCutOff(afterSilenceOf: maxSilence, on: self.clock) { body in
                        throw try await Self.failure(TransportResponse(head: response.head, body: body), request)
                    }
                }
                self.observe(request, status.code, "ok", stopwatch())
                hasBegun.store(true, ordering: .relaxed)
                try await opened()
                try await response.body.withCutOff(afterSilenceOf: maxSilence, or: liveness, on: self.clock, handle)
            }
        } catch  where hasBegun.load(ordering: .relaxed) {
            throw Self.translate(error)
        } catch {
            throw observed(request, error, stopwatch())
        }
    }

    private func head(_ request: APIRequest, _ credential: Credential) -> HTTPRequest {
        var fields = HTTPFields()
        fields[.accept] = request.accept
        fields[.userAgent] = Self.userAgent
        fields[.contentType] = request.contentType
        fields[.authorization] = credential.authorization?.value
        fields.addCurrentTrace()
        return HTTPRequest(
            method: request.method,
            scheme: server.scheme,
            authority: server.authority,
            path: server.pathPrefix + request.path,
            headerFields: fields
        )
    }

    private func recordServerTime(_ head: HTTPResponse, sent: Double, isOwnConnection: Bool) {
        guard let date = head.headerFields[.date].flatMap(HTTPDate.parse) else { return }
        serverClock.observe(date: date, sent: sent, isOwnConnection: isOwnConnection)
    }

    /// Reports a failed attempt to the observer, and converts `error` to the error that is thrown.
    private func observed(_ request: APIRequest, _ error: any Error, _ duration: Duration) -> any Error {
        let translated = Self.translate(error)
        if let failure = translated as? KubernetesError {
            observe(request, failure.statusCode, failure.kind.label, duration)
        } else if translated is CancellationError {
            observe(request, nil, "cancelled", duration)
        }
        return translated
    }

    private func observe(_ request: APIRequest, _ code: Int?, _ outcome: String, _ duration: Duration) {
        observer?(
            RequestObservation(
                verb: request.verb,
                resource: request.resource,
                statusCode: code,
                outcome: outcome,
                duration: duration
            )
        )
    }

    /// Turns a transport's error into this module's, and its cancellation into the task's.
    private static func translate(_ error: any Error) -> any Error {
        guard let error = error as? TransportError else { return error }
        if error.kind == .cancelled, Task.isCancelled { return CancellationError() }
        return KubernetesError(error)
    }

    /// Reports the errors of `body` to the failure observer.
    private func reportingFailure<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as KubernetesError {
            failureObserver?(error)
            throw error
        }
    }

    /// Adds the operation to the errors of `body`.
    private func describing<Result>(_ request: APIRequest, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch var error as KubernetesError {
            error.operation = error.operation ?? request.operation
            throw error
        }
    }
}
