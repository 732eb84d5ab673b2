internal import PreviewControl
internal import PreviewDomain

/// The instructions for agents that need a working preview. The tools' descriptions contain them, and
/// Docs/AgentPrompt.md repeats them for agents that do not see the descriptions.
enum AgentGuide {
    /// The requirements for the server.
    static let server = """
        Start the server first, keep it running in the background, and let it listen on 0.0.0.0, not only on localhost, with \
        plain HTTP/1.1.
        """

    /// The ports that previews may use.
    static func ports(_ policy: PortPolicy) -> String {
        "The port must be from \(policy.allowed.lowerBound) to \(policy.allowed.upperBound)."
    }

    /// What to do if a call ends without a response.
    static let timeout = """
        The run's owner may have to approve the request, so a call can take minutes. If a call times out or is interrupted, \
        call again with the same arguments: the request stays pending, and the owner is not asked twice.
        """

    /// What each word of `readiness` asks the agent to do.
    static func meaning(of state: Readiness.State) -> String {
        switch state {
        case .serving: "the URL shows a page of the app: give it to the user"
        case .noName: "DNS does not have the name yet: check again after a few minutes"
        case .noTLS: "the gateway's certificate is refused: tell the user that an operator has to correct it"
        case .noRoute: "the gateway does not serve the preview yet: check again in a few seconds"
        case .notAccepted: "the gateway refuses the preview: tell the user that an operator has to check it"
        case .noApp: "the app returned no page: follow the advice in detail, then check again; no new start is needed"
        case .unverified: "the address could not be tested from the service: let the user open it"
        }
    }

    /// All words of `readiness` with their meanings.
    static let readiness = Readiness.State.allCases.map { "\($0.rawValue): \(meaning(of: $0))" }.joined(separator: "; ")
}
