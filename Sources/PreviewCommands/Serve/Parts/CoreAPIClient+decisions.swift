internal import CoreAPI
internal import PreviewControl
internal import PreviewDomain
internal import PreviewServer

extension CoreAPIClient {
    /// Takes decisions about requests that are not this service's to the core API.
    var decisionForwarder: DecisionForwarder {
        { decision in
            do {
                let answer = try await forwardDecision(
                    decision.route == .approvals ? .approvals : .denials,
                    of: decision.run,
                    body: decision.body,
                    bearer: decision.bearer.value
                )
                return ForwardedAnswer(status: answer.status, body: answer.body)
            } catch let error as CoreAPIError {
                guard error.kind != .cancelled else { throw PreviewError.cancelled }
                throw PreviewError(
                    .clusterUnavailable,
                    "This request is not a preview's, and the core API could not be asked: \(error.message).",
                    retryAfter: error.retryAfter ?? .seconds(5)
                )
            }
        }
    }
}
