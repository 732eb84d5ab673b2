/// Converts the changes of a watch to the events of its body, one JSON document per line.
struct WatchStream: Sendable {
    /// The way in which the stream ends.
    enum Ending: Sendable, Hashable {
        case complete
        /// The connection must be closed in the middle of the response.
        case broken
    }

    let watch: WatchResponse
    let store: ObjectStore
    let fault: FaultPlan.Fault?
    let bookmarkInterval: Duration
    let clock: any Clock<Duration>

    /// Writes events until the watch's time-out, the end of its changes, or the cancellation of the task.
    func deliver(_ write: ([UInt8]) async throws -> Void) async throws -> Ending {
        if case .holdWatch(let latch)? = fault { await latch.wait() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runTimers() }
            defer { group.cancelAll() }
            return try await deliverChanges(write)
        }
    }

    private func deliverChanges(_ write: ([UInt8]) async throws -> Void) async throws -> Ending {
        var changes = watch.changes.makeAsyncIterator()
        var count = 0
        while true {
            switch fault {
            case .endWatch(let limit)? where limit == count: return .complete
            case .expireWatch(let limit)? where limit == count:
                try await write(Self.frame("ERROR", StatusFailure.expired("too old resource version").status))
                return .complete
            default: break
            }
            guard let item = await changes.nextItem() else { break }
            switch item {
            case .bookmark(let resourceVersion):
                let object = watch.representation.bookmark(resourceVersion: resourceVersion)
                try await write(Self.frame("BOOKMARK", object))
            case .change(let change):
                let frame: [UInt8]
                do {
                    let object = try watch.representation.document(of: change.object, includesColumns: count == 0)
                    frame = Self.frame(change.action.rawValue, object)
                } catch let failure as StatusFailure {
                    try await write(Self.frame("ERROR", failure.status))
                    return .complete
                }
                if case .breakWatch(let limit)? = fault, limit == count {
                    try await write(Array(frame.prefix(frame.count / 2)))
                    return .broken
                }
                try await write(frame)
                count += 1
            }
        }
        return .complete
    }

    /// Adds bookmarks between the changes, and ends the watch at its time-out.
    private func runTimers() async {
        var rest = Duration.seconds(watch.timeoutSeconds)
        do {
            while watch.allowsBookmarks, rest > bookmarkInterval {
                try await clock.sleep(for: bookmarkInterval)
                rest -= bookmarkInterval
                addBookmark()
            }
            try await clock.sleep(for: rest)
            if watch.allowsBookmarks { addBookmark() }
            watch.changes.finish()
        } catch {
            // Cancelled, because the watch has ended for another reason.
        }
    }

    private func addBookmark() {
        // All changes up to this version are already in the buffer, so the bookmark follows them. Another kind's change may
        // have had the version after which the watch began.
        let version = max(store.lastChange(of: watch.kind), watch.startVersion)
        watch.changes.buffer.appendBookmark(resourceVersion: version)
    }

    private static func frame(_ type: String, _ object: JSONValue) -> [UInt8] {
        JSONWriter.bytes(of: ["type": .string(type), "object": object]) + [UInt8(ascii: "\n")]
    }
}
