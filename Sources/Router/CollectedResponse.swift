public import HTTPTypes
public import NIOCore

extension CoreRouter {
    /// Forwards a request whose body was read, and reads the whole response.
    ///
    /// - Parameters:
    ///   - client: The client's address.
    ///   - maxBytes: The maximum size of the response's body.
    /// - Returns: The core API's response, or the router's if there is none.
    /// - Throws: `CancellationError` if the task is cancelled, and ``IncompleteResponse``.
    public func response(
        to request: HTTPRequest,
        body: ByteBuffer,
        client: String?,
        maxBytes: Int
    ) async throws -> (head: HTTPResponse, body: ByteBuffer) {
        let eventLoop = eventLoops.any()
        let promise = eventLoop.makePromise(of: (head: HTTPResponse, body: ByteBuffer).self)
        let collector = NIOLoopBoundBox<ResponseCollector?>.makeEmptyBox(
            valueType: ResponseCollector.self,
            eventLoop: eventLoop
        )
        eventLoop.execute { [self] in
            let receiver = ResponseCollector(promise, maxBytes: maxBytes)
            collector.value = receiver
            let forwarded = ForwardedExchange(
                request,
                client: client,
                through: self,
                pool(on: eventLoop),
                receiver: receiver
            )
            receiver.exchange = forwarded
            forwarded.start()
            forwarded.send(body)
            forwarded.sendEnd(nil)
        }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            eventLoop.execute { collector.value?.cancel() }
        }
    }
}

/// A response ended early, or was too long.
public struct IncompleteResponse: Error {}

private final class ResponseCollector: ForwardedResponseReceiver {
    private var promise: EventLoopPromise<(head: HTTPResponse, body: ByteBuffer)>?
    private let maxBytes: Int
    private var head: HTTPResponse?
    private var body = ByteBuffer()
    weak var exchange: ForwardedExchange?

    init(_ promise: EventLoopPromise<(head: HTTPResponse, body: ByteBuffer)>, maxBytes: Int) {
        self.promise = promise
        self.maxBytes = maxBytes
    }

    func cancel() {
        exchange?.cancel()
        promise.take()?.fail(CancellationError())
    }

    var acceptsResponse: Bool { true }

    func receive(interim head: HTTPResponse) {}

    func receive(_ head: HTTPResponse, isEventStream: Bool) { self.head = head }

    func receive(_ bytes: ByteBuffer) {
        guard body.readableBytes + bytes.readableBytes <= maxBytes else {
            exchange?.cancel()
            return receiveFailure()
        }
        body.writeImmutableBuffer(bytes)
    }

    func flush() {}

    func receiveEnd(_ trailers: HTTPFields?) {
        guard let head else { return receiveFailure() }
        promise.take()?.succeed((head, body))
    }

    func receiveFailure() { promise.take()?.fail(IncompleteResponse()) }

    func requestMayContinue() {}
}
