internal import HTTPTypes
internal import Hummingbird
internal import PreviewControl
internal import PreviewIdentity

/// The events of a run's previews, as server-sent events.
struct TimelineRoutes: Sendable {
    let reader: TimelineReader
    let runs: RunGuard
    let streams: WaitingCalls
    let time: MonotonicTime

    func add(to run: RouterGroup<PreviewRequestContext>) {
        run.get("preview-events", use: follow)
    }

    @Sendable private func follow(_ request: Request, _ context: PreviewRequestContext) async throws -> Response {
        let run = try await runs.run(context, for: .readTimeline)
        let claim = try await reader.claim(of: run)
        let slot = try streams.slot(for: run)
        let stream = TimelineStream(
            run: run,
            claim: claim,
            // For an invalid position all events are sent: the reader ignores those that it knows.
            position: request.headers[.lastEventID].flatMap { TimelinePosition($0) },
            reader: reader,
            time: time
        )
        return EventStream.response { writer in
            defer { withExtendedLifetime(slot) {} }
            try await context.withClientDisconnection { disconnections in
                try await stream.write(to: &writer, disconnections: disconnections)
            }
        }
    }
}
