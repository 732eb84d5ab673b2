public import PreviewControl
public import PreviewDomain

/// Reports an app behind every preview, so that a test needs no gateway.
public struct AnsweringProbe: PreviewProbe {
    public init() {}

    public func probe(_ token: PreviewToken, patience: Duration) async -> ProbeOutcome {
        .answered(PreviewAnswer(status: 200))
    }
}
