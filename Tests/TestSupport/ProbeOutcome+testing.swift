public import PreviewControl

extension ProbeOutcome {
    /// Envoy's response when the connection to the pod is refused.
    public static let nobodyListens = ProbeOutcome.answered(
        PreviewAnswer(
            status: 503,
            isFromUpstream: false,
            text: """
                upstream connect error or disconnect/reset before headers. reset reason: remote connection failure
                """
        )
    )
    /// Envoy's response for a host that it does not serve.
    public static let noRoute = ProbeOutcome.answered(PreviewAnswer(status: 404, isFromUpstream: false, mark: nil))
}
