public import PreviewDomain

/// Opens a preview the way its user would.
public protocol PreviewProbe: Sendable {
    /// Sends one request to the preview's public address.
    func probe(_ token: PreviewToken) async -> ProbeOutcome
}

public enum ProbeOutcome: Hashable, Sendable {
    /// The app in the sandbox answered with this HTTP status.
    case answered(status: Int)
    /// The gateway answered itself: it does not know the route yet, or cannot tell the app's 404 from its own.
    case unrouted
    /// The gateway knows the route and reached no app behind it; the status is the gateway's own.
    case noApp(status: Int)
    /// The public address cannot be reached from here, which need not be so for a browser.
    case unreachable(reason: String)
}
