public import PreviewControl
public import PreviewDomain

/// Reports an app behind every preview, so that a test needs no gateway.
public struct AnsweringProbe: PreviewProbe {
    public init() {}

    public func probe(_ token: PreviewToken, timeout: Duration) async -> ProbeOutcome {
        .answered(ProbeResponse(status: 200))
    }
}
