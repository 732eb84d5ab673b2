public import PreviewDomain

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

/// What the platform's core API says about a run, as far as approvals depend on it.
public struct RunFacts: Hashable, Sendable {
    /// The run's option to approve every tool.
    public var approvesToolsAutomatically: Bool
    /// The run that started this one.
    public var parent: RunID?
    /// Whether the run no longer works: then nothing is approved or denied any more.
    public var isOver: Bool

    public init(approvesToolsAutomatically: Bool = false, parent: RunID? = nil, isOver: Bool = false) {
        self.approvesToolsAutomatically = approvesToolsAutomatically
        self.parent = parent
        self.isOver = isOver
    }
}

/// Knows runs beyond what their claims say.
public protocol RunFactsSource: Sendable {
    /// - Returns: nil when nothing is known or nobody can be asked right now: then a human decides.
    func facts(of run: RunID) async -> RunFacts?

    /// Lets what is remembered of a run count no more, since it was changed.
    func forget(_ run: RunID)
}

/// Why nobody has to be asked, and what says so.
struct ApprovalGround: Hashable, Sendable {
    /// Where the ground was read, and so how the write that rests on it makes sure of it.
    enum Source: Hashable, Sendable {
        /// A setting of this service.
        case setting
        /// An annotation of the run's own claim: the write tests that it still says the same.
        case claim(AnnotationEdit)
        /// The preview Gateway, another object: it is read once more right before the write.
        case commonGrants
        /// The claim of the parent run: as ``commonGrants``.
        case parentClaim(RunID)
        /// The core API, about this run: as ``commonGrants``.
        case coreAPI(RunID)
    }

    let grant: AutomaticGrant
    let source: Source

    /// What the write that rests on the ground has to find unchanged.
    var conditions: [AnnotationEdit] {
        if case .claim(let condition) = source { [condition] } else { [] }
    }

    /// A ground that one of the claim's own annotations gives.
    init?(_ grant: AutomaticGrant, annotation key: String, of ledger: ApprovalLedger) {
        guard let condition = ledger.unchanged(key) else { return nil }
        self.init(grant, .claim(condition))
    }

    init(_ grant: AutomaticGrant, _ source: Source) {
        self.grant = grant
        self.source = source
    }
}
