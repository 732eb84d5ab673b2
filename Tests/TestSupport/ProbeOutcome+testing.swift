public import PreviewControl

extension ProbeOutcome {
    /// Envoy's response when the connection to the pod is refused.
    public static let noListener = ProbeOutcome.answered(
        ProbeResponse(
            status: 503,
            isFromUpstream: false,
            text: """
                upstream connect error or disconnect/reset before headers. reset reason: remote connection failure
                """
        )
    )
    /// Envoy's response for a host that it does not serve.
    public static let noRoute = ProbeOutcome.answered(ProbeResponse(status: 404, isFromUpstream: false, mark: nil))
}
