internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

extension ToolResult {
    /// Puts into words why a call did not succeed.
    ///
    /// - Returns: nil for what nobody foresaw.
    init?(failure error: any Error) {
        switch error {
        case let error as ToolArgumentError: self = .failure(error.message)
        case let error as InvalidRunID: self = .failure(error.message)
        case let error as APIError: self = .failure(error.message)
        case let error as PreviewError:
            self = .failure(Self.sentences(error.message, error.kind.advice, Self.wait(error.retryAfter)))
        case let error as AccessDenied:
            self = .failure(Self.sentences(error.message, error.kind.advice, Self.wait(error.retryAfter)))
        default: return nil
        }
    }

    private static func sentences(_ parts: String?...) -> String {
        parts.compactMap(\.self).joined(separator: " ")
    }

    private static func wait(_ time: Duration?) -> String? {
        guard let time, time > .zero else { return nil }
        return "Wait \(time.wholeSecondsUp) seconds before the next call."
    }
}

extension PreviewError.Kind {
    /// What the model can do, beyond what the error itself says.
    fileprivate var advice: String? {
        switch self {
        case .noSandbox: "Start your server in the run's sandbox first, then call start_preview again."
        case .approvalDenied: "Do not ask again unless the user tells you to."
        case .approvalTimedOut:
            """
            Tell the user that the request has to be approved, then call start_preview again. \
            \(DecisionPlace.words(run: "{run_id}"))
            """
        case .approvalUsed: "Make sure that your server runs, then call start_preview again; that is a new request."
        case .approvalWithdrawn:
            """
            Make sure that your server runs, then call start_preview again; a human is then asked anew. \
            \(DecisionPlace.words(run: "{run_id}"))
            """
        case .previewNotFound, .noPendingApproval, .approvalNotFound: "list_previews shows what there is."
        case .forbidden, .runNotFound: AccessDenied.Kind.forbidden.advice
        case .runOver: "Do not ask again for this run."
        case .invalid, .disabled, .limitReached, .clusterUnavailable, .clusterRefused, .cancelled, .braked: nil
        }
    }
}

extension AccessDenied.Kind {
    fileprivate var advice: String? {
        switch self {
        case .forbidden, .runNotFound: "Check run_id: you can only act on runs that belong to your user."
        case .unauthenticated, .unavailable, .cancelled: nil
        }
    }
}
