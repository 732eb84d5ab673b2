internal import FoundationEssentials
internal import NIOCore
internal import PreviewControl
internal import PreviewDomain

/// Decides which events of this service one reader of a run's event stream gets: a pure state machine.
///
/// The names and members are those that the platform's front end reads. An event has no `id`, so that the reader's
/// `Last-Event-ID` remains the core API's.
struct RunStreamEvents {
    /// The largest number of remembered IDs of events, so that none is sent twice.
    private static let maxRemembered = 64

    /// The state of a request when the reader was last notified of it.
    private var lastStates: [ApprovalRequestID: Approval.State] = [:]
    private var hasBegun = false
    private var sentOccurrences: [String] = []
    /// The pending requests of child runs that the reader was notified of.
    private var sentChildRequests: Set<ApprovalRequestID> = []

    /// Processes the run's requests, when they are first read or have changed.
    ///
    /// At first all pending requests are sent, whether or not the reader knows them from an earlier stream, and all
    /// decided ones that were pending, in case the decision was made in between.
    mutating func approvalsChanged(_ approvals: [Approval]) -> [ByteBuffer] {
        var events: [ByteBuffer] = []
        var states: [ApprovalRequestID: Approval.State] = [:]
        for approval in approvals {
            states[approval.id] = approval.state
            guard lastStates[approval.id] != approval.state else { continue }
            if approval.state == .pending {
                events.append(Self.approvalRequired(approval))
            } else if approval.automatic != nil {
                events += automaticallyApproved(approval, after: lastStates[approval.id])
            } else if lastStates[approval.id] == .pending || !hasBegun {
                events.append(Self.decided(approval.id, approval.state, approval.reason))
            }
        }
        for (id, state) in lastStates where state == .pending && states[id] == nil {
            events.append(Self.decided(id, .withdrawn, nil))
        }
        lastStates = states
        hasBegun = true
        return events
    }

    /// The events for a request that was approved automatically. A card exists only for a request that was pending.
    private func automaticallyApproved(_ approval: Approval, after last: Approval.State?) -> [ByteBuffer] {
        var events: [ByteBuffer] = []
        if hasBegun, last == nil || last == .pending { events.append(Self.autoApproved(approval)) }
        let wasPending = approval.decidedAt.map { $0 > approval.requestedAt } ?? false
        if last == .pending || (!hasBegun && wasPending) {
            events.append(Self.decided(approval.id, approval.state, approval.reason))
        }
        return events
    }

    /// Processes an event that this replica recorded. Events of requests come from the requests themselves.
    mutating func recorded(_ event: TimelineEvent) -> ByteBuffer? {
        switch event.kind {
        case .approvalRequired, .autoApproved, .approved, .denied, .timedOut, .withdrawn: return nil
        case .started, .ready, .expiring, .stopped, .reaped: break
        }
        guard !sentOccurrences.contains(event.occurrence) else { return nil }
        sentOccurrences.append(event.occurrence)
        if sentOccurrences.count > Self.maxRemembered { sentOccurrences.removeFirst() }
        var members = event.details
        members["runId"] = event.run.text
        members["message"] = event.message
        return Self.event(event.kind.rawValue, members)
    }

    /// Processes the pending requests of the run's child runs.
    ///
    /// The front end removes the card of a child run's request only when its own button is used, whatever the stream
    /// contains: a decision is no event.
    mutating func childRequestsChanged(_ requests: [Approval]) -> [ByteBuffer] {
        defer { sentChildRequests = Set(requests.map(\.id)) }
        return requests.filter { !sentChildRequests.contains($0.id) }.map(Self.childApprovalRequired)
    }

    // MARK: Events

    /// The members are those of the core API's own event, except `subtaskId`, which only the core API knows.
    private static func childApprovalRequired(_ approval: Approval) -> ByteBuffer {
        event(
            "coordinator.child_approval_required",
            [
                "childRunId": approval.run.text, "requestId": approval.id.text, "toolName": Approval.toolName,
                "url": approval.resource, "message": approval.question,
            ]
        )
    }

    private static func approvalRequired(_ approval: Approval) -> ByteBuffer {
        var members = Self.commonMembers(approval)
        // The front end shows `intention`, and not `message`.
        members["intention"] = approval.question
        members["message"] = approval.question
        members["requester"] = approval.requester
        return event(TimelineEvent.Kind.approvalRequired.rawValue, members)
    }

    private static func autoApproved(_ approval: Approval) -> ByteBuffer {
        var members = Self.commonMembers(approval)
        members["message"] = "The preview of port \(approval.port.number) was approved automatically."
        return event(TimelineEvent.Kind.autoApproved.rawValue, members)
    }

    private static func commonMembers(_ approval: Approval) -> [String: String] {
        [
            "runId": approval.run.text, "requestId": approval.id.text, "displayId": approval.id.displayID,
            "toolName": Approval.toolName, "url": approval.resource,
        ]
    }

    /// The event at which the front end no longer counts the request as pending.
    private static func decided(_ id: ApprovalRequestID, _ state: Approval.State, _ reason: String?) -> ByteBuffer {
        var members = ["callId": id.text, "toolName": Approval.toolName]
        let isGranted = state == .granted || state == .consumed
        switch state {
        case .pending, .granted, .consumed: members["message"] = "The preview was approved."
        case .denied: members["message"] = "The preview was denied."
        case .timedOut: members["message"] = "The request for a preview was not decided in time."
        case .withdrawn: members["message"] = "The request for a preview was withdrawn."
        }
        if let reason { members["reason"] = reason }
        return event(isGranted ? "tool.result" : "tool.error", members)
    }

    private static func event(_ name: String, _ members: [String: String]) -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(members)).map { Array($0) } ?? Array("{}".utf8)
        return EventStream.event(name, data: data)
    }
}
