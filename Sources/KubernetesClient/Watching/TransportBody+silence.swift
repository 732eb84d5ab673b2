import HTTPTransport

extension TransportBody {
    /// The same body, which ends when nothing has arrived for `limit` while somebody waited for it, and when somebody
    /// asks `liveness`.
    ///
    /// A chunk that arrives just then is lost, so this is for streams that go on elsewhere, such as watches.
    func endingAfterSilence(
        of limit: Duration,
        or liveness: WatchLiveness?,
        on clock: any Clock<Duration>
    ) -> TransportBody {
        TransportBody {
            try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
                group.addTask {
                    let chunks = self.makeAsyncIterator()
                    return try await chunks.next()
                }
                group.addTask {
                    try await clock.sleep(for: limit)
                    return nil
                }
                if let liveness {
                    group.addTask {
                        await liveness.untilAsked()
                        return nil
                    }
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        }
    }
}
