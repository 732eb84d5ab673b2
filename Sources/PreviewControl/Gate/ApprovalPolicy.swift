/// The rules by which requests of agents are approved.
public struct ApprovalPolicy: Sendable {
    /// Approves every request without asking anybody.
    public var approvesAutomatically: Bool
    /// How long a human has to decide, and for how long after the decision a grant can be used.
    public var window: Duration

    public init(approvesAutomatically: Bool = false, window: Duration = .seconds(300)) {
        self.approvesAutomatically = approvesAutomatically
        self.window = window
    }
}
