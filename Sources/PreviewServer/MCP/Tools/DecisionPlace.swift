internal import PreviewDomain

/// Where the run's owner decides about a request, in words for a model that has to tell them.
enum DecisionPlace {
    /// - Parameters:
    ///   - run: The run's id, or what stands for it.
    ///   - requestID: The request's id, where it is known.
    static func words(run: String, requestID: String? = nil) -> String {
        let body = requestID.map { " and {\"request_id\": \"\($0)\"}" } ?? ""
        return """
            The run's owner decides on the run's page in Agentweaver, in the approval card, or with POST \
            /api/runs/\(run)/tool-approvals\(body).
            """
    }
}
