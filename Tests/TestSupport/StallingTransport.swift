public import HTTPTransport
public import HTTPTypes

/// A transport whose requests can be made to hang. A request that hangs reaches its time limit at once: the clock is
/// advanced by that limit.
public final class StallingTransport: HTTPTransport {
    private let base: any HTTPTransport
    private let clock: ManualClock
    private let isStalled: @Sendable (HTTPRequest) -> Bool

    /// - Parameters:
    ///   - base: Sends the requests that do not hang.
    ///   - clock: The clock with which the callers of the requests measure time.
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
