public import HTTPTransport
import HTTPTypes
import Synchronization

/// A transport that answers from a script and records the requests.
///
/// It measures the time limits of requests with the given clock, so that a reply that hangs ends, as on a real
/// transport, once a test has advanced the clock far enough.
public final class ScriptedTransport: HTTPTransport {
    /// One recorded request.
    public struct Exchange: Sendable {
        public let request: TransportRequest
        /// The time since the transport was created.
        public let time: Duration

        /// Method and path, for example `GET /version`.
        public var line: String { "\(request.head.method.rawValue) \(request.head.path ?? "")" }
        /// The body as text.
        public var body: String { String(decoding: request.body, as: UTF8.self) }
    }

    /// One step of a reply's body.
    public enum Step: Sendable {
        case chunk(String)
        /// Sends nothing until the request's time limit.
        case hang
        /// Sends nothing for this time.
        case pause(Duration)
        case fail(TransportError.Kind)
    }

    /// The reply to a request.
    public enum Reply: Sendable {
        case response(status: Int, fields: [String: String], body: [Step])
        /// No response: the request fails at once.
        case failure(TransportError.Kind)
        /// No response until the request's time limit.
        case silence

        /// A complete response with status 200 and a JSON body.
        public static func json(_ body: String) -> Reply {
            json(200, body)
        }

        /// A complete response with this status and a JSON body.
        public static func json(_ status: Int, _ body: String, _ fields: [String: String] = [:]) -> Reply {
            .response(status: status, fields: fields, body: [.chunk(body)])
        }

        /// A stream of frames, each on its own line, that ends after the last one or with `last`.
        public static func frames(_ frames: String..., then last: Step? = nil) -> Reply {
            .response(status: 200, fields: [:], body: frames.map { .chunk($0 + "\n") } + (last.map { [$0] } ?? []))
        }
    }

    private struct State {
        var exchanges: [Exchange] = []
        var open = 0
        var mostOpen = 0
    }

    private let clock: ManualClock
    private let start: ManualClock.Instant
    private let reply: @Sendable (_ request: TransportRequest, _ index: Int) -> Reply?
    private let state = Mutex(State())

    /// Answers each request with the result of `reply`, which gets the request and its index; `nil` means that the
    /// script has ended.
    public init(
        clock: ManualClock,
        _ reply: @escaping @Sendable (_ request: TransportRequest, _ index: Int) -> Reply?
    ) {
        self.clock = clock
        self.reply = reply
        start = clock.now
    }

    /// Answers the requests with `replies`, in this order.
    public convenience init(clock: ManualClock, _ replies: [Reply]) {
        self.init(clock: clock) { _, index in index < replies.count ? replies[index] : nil }
    }

    /// All requests so far.
    public var exchanges: [Exchange] { state.withLock { $0.exchanges } }
    /// The largest number of requests that were open at the same time.
    public var mostOpen: Int { state.withLock { $0.mostOpen } }

    /// Returns as soon as at least `count` requests were made.
    public func waitForExchanges(_ count: Int) async {
        await waitWhile { exchanges.count < count }
    }

    public func withResponse<Result: Sendable>(
        to request: TransportRequest,
        _ handle: @Sendable (TransportResponse) async throws -> Result
    ) async throws -> Result {
        let index = state.withLock { state in
            state.exchanges.append(Exchange(request: request, time: start.duration(to: clock.now)))
            state.open += 1
            state.mostOpen = max(state.mostOpen, state.open)
            return state.exchanges.count - 1
        }
        defer { state.withLock { $0.open -= 1 } }
        let deadline = request.timeout.map { clock.now.advanced(by: $0) }
        switch reply(request, index) {
        case nil:
            throw TransportError(.protocolViolation, "the script has no reply number \(index)")
        case .failure(let kind):
            throw TransportError(kind, "scripted")
        case .silence:
            throw try await hang(until: deadline)
        case .response(let status, let fields, let steps):
            var head = HTTPResponse(status: HTTPResponse.Status(code: status))
            for (name, value) in fields {
                guard let name = HTTPField.Name(name) else { continue }
                head.headerFields[name] = value
            }
            return try await handle(TransportResponse(head: head, body: body(steps, deadline)))
        }
    }

    private func body(_ steps: [Step], _ deadline: ManualClock.Instant?) -> TransportBody {
        let position = Position()
        let end = End()
        return TransportBody {
            try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
                group.addTask { try await self.nextChunk(of: steps, position, deadline) }
                group.addTask {
                    await end.hasCome()
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        } stopReceiving: {
            end.come()
        }
    }

    private func nextChunk(
        of steps: [Step],
        _ position: Position,
        _ deadline: ManualClock.Instant?
    ) async throws -> [UInt8]? {
        while let step = position.next(steps) {
            switch step {
            case .chunk(let text): return Array(text.utf8)
            case .hang: throw try await hang(until: deadline)
            case .pause(let duration): try await clock.sleep(for: duration)
            case .fail(let kind): throw TransportError(kind, "scripted")
            }
        }
        return nil
    }

    private func hang(until deadline: ManualClock.Instant?) async throws -> TransportError {
        let never = clock.now.advanced(by: .seconds(1_000_000))
        try await clock.sleep(until: deadline ?? never, tolerance: nil)
        return TransportError(.timedOut, "scripted")
    }

    /// Signals that the reader has stopped receiving.
    private final class End: Sendable {
        private let state = Mutex<(hasCome: Bool, waiter: AsyncStream<Void>.Continuation?)>((false, nil))

        func come() {
            let waiter = state.withLock { state in
                state.hasCome = true
                return state.waiter
            }
            waiter?.finish()
        }

        /// Returns after ``come()``, or when the task is cancelled.
        func hasCome() async {
            let (stream, waiter) = AsyncStream.makeStream(of: Void.self)
            let hasCome = state.withLock { state in
                state.waiter = waiter
                return state.hasCome
            }
            if hasCome { waiter.finish() }
            for await _ in stream {}
        }
    }

    private final class Position: Sendable {
        private let index = Mutex(0)

        func next(_ steps: [Step]) -> Step? {
            index.withLock { index in
                guard index < steps.count else { return nil }
                defer { index += 1 }
                return steps[index]
            }
        }
    }
}
