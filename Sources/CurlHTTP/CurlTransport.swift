import CCurl
public import HTTPTransport

/// HTTP on libcurl's multi interface.
///
/// Requests share few connections, by HTTP/2 where the peer has it. A request without a time-out is taken for a stream
/// and gets an HTTP/1.1 connection of its own, so that a reader that pauses it holds up nothing else. A body with a
/// time-out should be read without waiting for another request to the same peer: while more than its buffer is unread,
/// the requests that share its connection may have to wait, until that time-out at most.
///
/// A connection that has a request to answer, and on which nothing arrives for ``CurlConfiguration/maxSilence``, takes no new
/// request, and neither does any that is as old: all later requests go out on new connections. Idempotent requests move there
/// at once, every other one goes on waiting until its own time is over. Where a new connection to the same peer then
/// answers, streams that have been silent for as long are ended, because a stream alone cannot tell.
///
/// Redirects are not followed; cookies and authentication are the caller's. A broken connection makes only idempotent
/// requests go out again, and those of which it is certain that the peer has not acted on them. All requests of a transport
/// have its configuration: one transport is one identity.
public final class CurlTransport: HTTPTransport, Sendable {
    private let configuration: CurlConfiguration
    private let requests: CurlEngine
    private let streams: CurlEngine

    /// Starts the threads; connections are made on demand.
    ///
    /// - Parameter configuration: The same for all requests.
    /// - Throws: ``TransportError`` when libcurl cannot be initialised or no thread can be started.
    public init(configuration: CurlConfiguration = CurlConfiguration()) throws(TransportError) {
        guard Self.isLibraryReady else {
            throw TransportError(.invalidRequest, "libcurl could not be initialised")
        }
        self.configuration = configuration
        let generation = ConnectionGeneration()
        streams = try CurlEngine(configuration, mode: .streams, generation: generation)
        requests = try CurlEngine(configuration, mode: .requests, generation: generation, streams: streams.mailbox)
    }

    /// Once for the process; libcurl has done this safely from any thread since 7.84.
    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    public func withResponse<Result: Sendable>(
        to request: TransportRequest,
        _ handle: @Sendable (TransportResponse) async throws -> Result
    ) async throws -> Result {
        let plan = try RequestPlan(request, serverName: configuration.tls.serverName)
        let engine = request.timeout == nil ? streams : requests
        let exchange = Exchange(
            request,
            plan: plan,
            mailbox: engine.mailbox,
            maxBufferedBytes: configuration.maxBufferedBytes
        )
        request.abort?.whenAborted { exchange.cancel() }
        defer { request.abort?.whenAborted(nil) }
        return try await withTaskCancellationHandler {
            guard let upload = request.upload else { return try await receive(exchange, handle) }
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await exchange.send(upload) }
                defer { group.cancelAll() }
                return try await receive(exchange, handle)
            }
        } onCancel: {
            exchange.cancel()
        }
    }

    private func receive<Result: Sendable>(
        _ exchange: Exchange,
        _ handle: @Sendable (TransportResponse) async throws -> Result
    ) async throws -> Result {
        let head = try await exchange.head()
        defer { exchange.close() }
        let body = TransportBody(
            nextChunk: exchange.nextChunk,
            stopReceiving: exchange.stopReceiving,
            interruptReader: exchange.interruptReader,
            takeWholeBody: exchange.takeWhole
        )
        return try await handle(TransportResponse(head: head, body: body) { exchange.trailers })
    }

    /// Aborts what runs, which fails with ``TransportError/Kind/cancelled``, closes all connections and waits until both
    /// threads are gone. Later requests fail the same way; a second call does nothing.
    public func shutdown() async {
        await requests.shutdown()
        await streams.shutdown()
    }

    /// Counts what is alive, for tests.
    func census() async -> CurlLoop.Census {
        let (requests, streams) = (await requests.census(), await streams.census())
        return CurlLoop.Census(
            activeTransfers: requests.activeTransfers + streams.activeTransfers,
            idleHandles: requests.idleHandles + streams.idleHandles
        )
    }
}
