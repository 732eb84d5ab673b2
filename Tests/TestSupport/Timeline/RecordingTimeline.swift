public import PreviewControl
internal import Synchronization

/// A timeline that keeps the recorded events.
public final class RecordingTimeline: Timeline {
    private let recorded = Mutex<[TimelineEvent]>([])

    public init() {}

    public func record(_ event: TimelineEvent) { recorded.withLock { $0.append(event) } }

    /// All events so far, in order.
    public var events: [TimelineEvent] { recorded.withLock { $0 } }
}
