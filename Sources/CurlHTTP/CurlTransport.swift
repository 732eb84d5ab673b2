import CCurl
public import HTTPTransport

/// HTTP on libcurl's multi interface.
///
/// Requests share few connections, with HTTP/2 if the peer supports it. A request without a time-out counts as a stream and
/// gets a separate HTTP/1.1 connection, so that a slow reader delays no other request. The reader of a body with a time-out
/// should not wait for another request to the same peer: while more than the buffer's size is unread, requests on the same
/// connection may have to wait, at most until that time-out.
///
/// If no data arrives for ``CurlConfiguration/maxSilence`` on a connection on which a response is due, neither this connection
/// nor any older one takes new requests; later requests use new connections. Idempotent requests move to a new connection at
/// once, and others keep waiting until they time out. If a new connection to the same peer then receives a response, streams
/// that have been silent for as long are ended, because a stream alone cannot detect a broken connection.
///
/// Redirects are not followed; cookies and authentication are the caller's responsibility. After a broken connection, a request
/// is sent again only if it is idempotent (RFC 9110 section 9.2.2) or the peer has certainly not processed it. All requests of
/// a transport use its configuration, and so its client certificate.
public final class CurlTransport: HTTPTransport, Sendable {
    private let configuration: CurlConfiguration
    private let requests: CurlEngine
    private let streams: CurlEngine

    /// Starts the transport's threads. Connections are made when they are needed.
    ///
    /// - Parameter configuration: The configuration of all requests.
    /// - Throws: ``TransportError`` if libcurl cannot be initialised or a thread cannot be started.
    public init(configuration: CurlConfiguration = CurlConfiguration()) throws(TransportError) {
        guard Self.isLibraryReady else {
            throw TransportError(.invalidRequest, "libcurl could not be initialised")
        }
        self.configuration = configuration
        let generation = ConnectionGeneration()
        streams = try CurlEngine(configuration, mode: .streams, generation: generation)
        requests = try CurlEngine(configuration, mode: .requests, generation: generation, streams: streams.mailbox)
    }

    /// Initialises libcurl once for the process. This is thread-safe since libcurl 7.84.
    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    public func withResponse<Result: Sendable>(
        to request: TransportRequest,
        _ handle: @Sendable (TransportResponse) async throws -> Result
    ) async throws -> Result {
        let plan = try RequestPlan(request, serverName: configuration.tls.serverName)
        let engine = request.timeout == nil ? streams : requests
        let exchange = Exchange(request, plan: plan, mailbox: engine.mailbox)
        return try await withTaskCancellationHandler {
            let head = try await exchange.head()
            defer { exchange.close() }
            let body = TransportBody(nextChunk: exchange.nextChunk, stopReceiving: exchange.stopReceiving)
            return try await handle(TransportResponse(head: head, body: body))
        } onCancel: {
            exchange.cancel()
        }
    }

    /// Aborts requests in progress, which fail with ``TransportError/Kind/cancelled``, closes all connections and waits until
    /// both threads have ended. Later requests fail in the same way; a second call has no effect.
    public func shutdown() async {
        await requests.shutdown()
        await streams.shutdown()
    }

    /// Counts the transfers and idle handles, for tests.
    func transferCounts() async -> CurlLoop.TransferCounts {
        let (requests, streams) = (await requests.transferCounts(), await streams.transferCounts())
        return CurlLoop.TransferCounts(
            activeTransfers: requests.activeTransfers + streams.activeTransfers,
            idleHandles: requests.idleHandles + streams.idleHandles
        )
    }
}
