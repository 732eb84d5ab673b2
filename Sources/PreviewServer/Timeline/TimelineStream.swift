internal import AsyncAlgorithms
internal import Hummingbird
internal import Logging
internal import PreviewControl
internal import PreviewDomain
internal import ServiceLifecycle

/// One reader's stream of a run's events.
///
/// Nothing is buffered here: an event is read from the watch when the one before it was taken by the connection, so a
/// reader that is slow slows down its own watch and nothing else.
struct TimelineStream: Sendable {
    /// How often a comment is sent: proxies close connections that are silent for 30 to 60 seconds.
    static let heartbeat = Duration.seconds(15)
    /// A reader that takes nothing for this long is cut off.
    static let maxStall = Duration.seconds(60)
    /// How long a stream lasts. Whoever still may read comes back at once, and resumes.
    static let maxDuration = Duration.seconds(900)
    /// How long a reader is asked to wait before it comes back.
    static let retryDelay = Duration.seconds(2)

    let run: RunID
    let claim: ClaimIdentity
    let position: TimelinePosition?
    let reader: TimelineReader
    let time: MonotonicTime

    private enum Item: Sendable {
        case record(TimelineRecord)
        case heartbeat
        /// The stream is over, and the reader may come back.
        case end
        /// The reader is gone.
        case departure
    }

    /// Writes until the reader leaves, the stream has lasted long enough, or the service stops.
    ///
    /// - Parameters:
    ///   - departures: Yields when the reader is gone.
    ///   - cutOff: Closes the connection of a reader that takes nothing.
    func write(
        to writer: inout any ResponseBodyWriter,
        departures: AsyncStream<Void>,
        cutOff: @escaping @Sendable () -> Void
    ) async throws {
        try await writer.write(EventStream.opening(retryAfter: Self.retryDelay))
        let items = AsyncChannel<Item>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try? await reader.follow(run, on: claim, after: position) { record in
                    await items.send(.record(record))
                    try Task.checkCancellation()
                }
                await items.send(.end)
            }
            group.addTask { await sendHeartbeats(to: items, cutOff: cutOff) }
            group.addTask {
                for await _ in departures { await items.send(.departure) }
            }
            group.addTask {
                try? await time.sleep(Self.maxDuration)
                await items.send(.end)
            }
            group.addTask {
                try? await gracefulShutdown()
                await items.send(.end)
            }
            try await write(items, to: &writer)
        }
    }

    private func write(_ items: AsyncChannel<Item>, to writer: inout any ResponseBodyWriter) async throws {
        for await item in items {
            switch item {
            case .record(let record):
                let buffer = EventStream.event(
                    record.entry.event.kind.rawValue,
                    id: record.position?.description,
                    data: try record.entry.json()
                )
                try await writer.write(buffer)
            case .heartbeat: try await writer.write(EventStream.comment("waiting"))
            case .end: return
            case .departure: throw CancellationError()
            }
        }
        throw CancellationError()
    }

    /// The heartbeats also find out who does not read any more: while an event waits for the connection to take it, no
    /// heartbeat is taken either.
    private func sendHeartbeats(to items: AsyncChannel<Item>, cutOff: @escaping @Sendable () -> Void) async {
        while (try? await time.sleep(Self.heartbeat)) != nil {
            let wasTaken = await withTaskGroup(of: Bool.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    await items.send(.heartbeat)
                    return true
                }
                group.addTask {
                    // A sleep that ends because the stream does is no stall.
                    (try? await time.sleep(Self.maxStall)) == nil
                }
                return await group.next() ?? true
            }
            guard wasTaken else { return cutOff() }
        }
    }
}
