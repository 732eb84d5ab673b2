public import HTTPTransport
public import HTTPTypes

/// A transport that stops answering on command. Requests then hang until their time limit, which is over at once: the clock
/// moves on by as much.
public final class StallingTransport: HTTPTransport {
    private let base: any HTTPTransport
    private let clock: ManualClock
    private let isStalled: @Sendable (HTTPRequest) -> Bool

    /// - Parameters:
    ///   - base: Answers what does not hang.
    ///   - clock: What the requests' callers measure their time with.
    ///   - isStalled: Whether a request hangs.
    public init(
        _ base: any HTTPTransport,
        clock: ManualClock,
        isStalled: @escaping @Sendable (HTTPRequest) -> Bool
    ) {
        self.base = base
        self.clock = clock
        self.isStalled = isStalled
    }

    public func withResponse<Result: Sendable>(
        to request: TransportRequest,
        _ handle: @Sendable (TransportResponse) async throws -> Result
    ) async throws -> Result {
        guard let timeout = request.timeout, isStalled(request.head) else {
            return try await base.withResponse(to: request, handle)
        }
        clock.advance(by: timeout)
        throw TransportError(.timedOut, "stalled")
    }
}
