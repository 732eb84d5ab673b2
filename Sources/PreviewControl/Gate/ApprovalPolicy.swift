/// The rules by which requests of agents are approved.
public struct ApprovalPolicy: Sendable {
    /// Approves every request without asking anybody.
    public var approvesAutomatically: Bool
    /// How long a human has to decide, and for how long after the decision a grant can be used.
    public var window: Duration
    /// Whether a run's owner may give grants of scope `always`, which count for every other run too.
    public var ownersMayApproveAlways: Bool

    public init(
        approvesAutomatically: Bool = false,
        window: Duration = .seconds(300),
        ownersMayApproveAlways: Bool = false
    ) {
        self.approvesAutomatically = approvesAutomatically
        self.window = window
        self.ownersMayApproveAlways = ownersMayApproveAlways
    }
}
