internal import Basics
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PreviewControl
internal import PreviewIdentity

/// A call of a tool in progress.
struct MCPCall: Sendable {
    let id: JSONRPCID
    let call: ToolCall
    let revision: ProtocolRevision
    let caller: Caller
    let server: MCPServer

    /// The number of events that may wait for a client that does not read. The oldest are dropped first; the response
    /// is the newest.
    private static let maxWaitingEvents = 8

    var longestWait: Duration? { call.tool.longestWait(call.arguments) }

    /// Carries it out and returns the response, which may be a failure.
    func run(
        _ logger: Logger,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) async -> JSONRPCResponse {
        do {
            let result = try await result(report: report).members()
            return JSONRPCResponse(id: id, outcome: .success(server.complete(result, in: revision)))
        } catch is CancellationError {
            // The client disconnected, or this replica shuts down.
            return JSONRPCResponse(id: id, outcome: .failure(.interrupted))
        } catch {
            // The text of an unexpected error may contain a secret.
            logger.error("a tool failed unexpectedly", metadata: ["type": "\(type(of: error))"])
            return JSONRPCResponse(id: id, outcome: .failure(.internalError))
        }
    }

    private func result(report: @escaping @Sendable (String) -> Void) async throws -> ToolResult {
        do {
            let arguments = try ToolArguments(call.arguments, of: call.tool.definition)
            let run = try arguments.run()
            try await server.access.authorize(caller, to: call.tool.action, on: run)
            return try await call.tool.call(arguments, on: run, by: caller, report: report)
        } catch  where APIError.isCausedByCancellation(error) {
            throw CancellationError()
        } catch {
            guard let failure = ToolResult(failure: error) else { throw error }
            return failure
        }
    }

    // MARK: Streaming

    private enum Event: Sendable {
        case reported(String)
        case intervalPassed
        case finished(JSONRPCResponse)
        case clientLeft
    }

    /// Carries it out and writes progress as server-sent events, the response as the last.
    ///
    /// If the client disconnects, the call ends; a request for approval stays pending in the cluster.
    func stream(
        to writer: inout any ResponseBodyWriter,
        context: PreviewRequestContext,
        time: MonotonicTime
    ) async throws {
        try await context.withClientDisconnection { disconnections in
            let (events, source) = AsyncStream.makeStream(
                of: Event.self,
                bufferingPolicy: .bufferingNewest(Self.maxWaitingEvents)
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    let response = await ResponseDeadline.begin(time) {
                        await run(context.logger) { source.yield(.reported($0)) }
                    }
                    source.yield(.finished(response))
                }
                group.addTask {
                    while true {
                        try await time.sleep(CallProgress.interval)
                        source.yield(.intervalPassed)
                    }
                }
                group.addTask {
                    for await _ in disconnections { source.yield(.clientLeft) }
                }
                try await write(events, to: &writer)
            }
        }
    }

    private func write(_ events: AsyncStream<Event>, to writer: inout any ResponseBodyWriter) async throws {
        var progress = CallProgress(token: call.progressToken)
        for await event in events {
            switch event {
            case .reported(let message): try await writer.write(progress.report(message))
            case .intervalPassed: try await writer.write(progress.intervalEvent())
            case .finished(let response):
                try await writer.write(CallProgress.event(response.json))
                return
            case .clientLeft: throw CancellationError()
            }
        }
        throw CancellationError()
    }
}

/// The events that a client gets while its call waits.
struct CallProgress {
    /// The interval of progress events. It is shorter than every known time-out of a client or a proxy, of which the
    /// shortest is 30 seconds, so that one lost message does no harm.
    static let interval = Duration.seconds(5)

    private let token: JSONRPCID?
    private var message = "The call is in progress."
    private var count = 0

    init(token: JSONRPCID?) {
        self.token = token
    }

    /// The call now waits for something else: reported at once.
    mutating func report(_ message: String) throws -> ByteBuffer {
        self.message = message
        return try intervalEvent()
    }

    /// The event for one interval: progress if the client requested it, otherwise a comment, which only keeps the
    /// connection open.
    mutating func intervalEvent() throws -> ByteBuffer {
        guard let token else { return EventStream.comment("waiting") }
        // The protocol requires a number that grows each time ("Progress"). The remaining time is not known.
        count += 1
        return try Self.event([
            "jsonrpc": "2.0", "method": "notifications/progress",
            "params": ["progressToken": token.json, "progress": .integer(count), "message": .string(message)],
        ])
    }

    /// One message as a server-sent event.
    static func event(_ message: JSONValue) throws -> ByteBuffer {
        EventStream.event("message", data: try message.text().utf8)
    }
}
