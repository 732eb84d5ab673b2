internal import PreviewDomain

/// The outcome of a request, for its caller and for the timeline.
extension AgentPreviewGate {
    // MARK: Refusals

    /// The reason why a request does not lead to a preview.
    ///
    /// - Parameter approval: The state of the request; nil if it no longer exists.
    func refusal(_ approval: Approval?) -> PreviewError {
        guard let approval else {
            return PreviewError(
                .approvalWithdrawn,
                "The request for approval no longer exists: it or the run's sandbox was deleted. Ask again."
            )
        }
        let reason = approval.reason.map { " \($0)" } ?? ""
        switch approval.state {
        case .denied:
            let decider = approval.decidedBy.map { " by \($0)" } ?? ""
            return PreviewError(
                .approvalDenied,
                """
                The preview of port \(approval.port) was denied\(decider).\(reason) Do not ask again unless the run's \
                owner wants it.
                """
            )
        case .timedOut:
            return PreviewError(
                .approvalTimedOut,
                """
                The preview of port \(approval.port) was not approved in time. Ask again when the run's owner can decide.
                """
            )
        case .consumed:
            return PreviewError(
                .approvalUsed,
                """
                This approval was used to start the preview of port \(approval.port), but that preview does not exist: \
                it has ended, or the replica failed before it started it. Ask again with a new request.
                """
            )
        case .withdrawn:
            return PreviewError(.approvalWithdrawn, "The approval is no longer valid.\(reason) Ask again.")
        case .pending, .granted:
            return PreviewError(.approvalWithdrawn, "The approval was changed by another client. Ask again.")
        }
    }

    var groundIsGone: PreviewError {
        PreviewError(
            .approvalWithdrawn,
            "The automatic approval of this request has been disabled. Ask again."
        )
    }

    var unknownRequest: PreviewError {
        PreviewError(
            .approvalNotFound,
            "This run has no request with this ID. List the run's requests to find the pending ones."
        )
    }

    /// The reason why a request cannot be decided.
    func alreadyDecided(_ approval: Approval) -> PreviewError {
        let outcome =
            switch approval.state {
            case .pending: "was changed by another client"
            case .granted, .consumed: "was already approved"
            case .denied: "was already denied"
            case .timedOut: "was not decided in time"
            case .withdrawn: "was withdrawn"
            }
        return PreviewError(.noPendingApproval, "This request is not pending: it \(outcome).")
    }

    // MARK: Timeline

    func record(_ kind: TimelineEvent.Kind, _ approval: Approval, on claim: ClaimIdentity) {
        var details = [
            "requestId": approval.id.text, "displayId": approval.id.displayID, "toolName": Approval.toolName,
            "url": approval.resource, "requester": approval.requester,
        ]
        details["decidedBy"] = approval.decidedBy
        details["scope"] = approval.automatic == nil ? approval.scope?.rawValue : nil
        details["ground"] = approval.automatic?.rawValue
        details["reason"] = approval.reason
        if let end = approval.decidedAt {
            previews.metrics.recordApprovalWait(end.duration(since: approval.requestedAt), outcome: kind.rawValue)
        }
        timeline.record(
            TimelineEvent(
                kind,
                run: approval.run,
                claim: claim,
                subject: approval.id.text,
                message: message(kind, approval),
                details: details
            )
        )
    }

    /// Records that an approval timed out or was withdrawn.
    func record(ending approval: Approval, on claim: ClaimIdentity) {
        record(approval.state == .timedOut ? .timedOut : .withdrawn, approval, on: claim)
    }

    private func message(_ kind: TimelineEvent.Kind, _ approval: Approval) -> String {
        let preview = "The preview of port \(approval.port)"
        let decider = approval.decidedBy.map { " by \($0)" } ?? ""
        let reason = approval.reason.map { " \($0)" } ?? ""
        return switch kind {
        case .autoApproved:
            "\(preview) was approved automatically, because \(approval.automatic?.explanation ?? "a grant covers it")."
        case .approved: "\(preview) was approved\(decider)."
        case .denied: "\(preview) was denied\(decider).\(reason)"
        case .timedOut: "The request for the preview of port \(approval.port) was not decided in time."
        case .withdrawn: "The request for the preview of port \(approval.port) was withdrawn.\(reason)"
        default: approval.question
        }
    }
}
