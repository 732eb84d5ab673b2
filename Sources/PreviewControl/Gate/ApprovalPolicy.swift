public import PreviewDomain

/// The rules by which agents' requests are approved.
public struct ApprovalPolicy: Sendable {
    /// Approves every request automatically.
    public var approvesAutomatically: Bool
    /// The time in which a human has to decide, and after the decision the time in which a grant can be used.
    public var window: Duration
    /// Whether a run's owner may give grants of scope `always`, which apply to every other run too. The
    /// platform's front end offers the scope to every owner.
    public var ownersMayApproveAlways: Bool

    public init(
        approvesAutomatically: Bool = false,
        window: Duration = .seconds(300),
        ownersMayApproveAlways: Bool = true
    ) {
        self.approvesAutomatically = approvesAutomatically
        self.window = window
        self.ownersMayApproveAlways = ownersMayApproveAlways
    }
}

/// The platform's core API's information about a run, as far as approvals depend on it.
public struct RunFacts: Hashable, Sendable {
    /// The run's option to approve every tool automatically.
    public var approvesToolsAutomatically: Bool
    /// The run that started this one.
    public var parent: RunID?
    /// Whether the run has ended: then nothing is approved or denied any more.
    public var hasEnded: Bool

    public init(approvesToolsAutomatically: Bool = false, parent: RunID? = nil, hasEnded: Bool = false) {
        self.approvesToolsAutomatically = approvesToolsAutomatically
        self.parent = parent
        self.hasEnded = hasEnded
    }
}

/// A source of information about runs beyond their claims.
public protocol RunFactsSource: Sendable {
    /// - Returns: nil if nothing is known at present: then a human decides.
    func facts(of run: RunID) async -> RunFacts?

    /// Invalidates the cached information about a run, since it was changed.
    func forget(_ run: RunID)
}

/// The ground of an automatic approval, and its source.
struct ApprovalGround: Hashable, Sendable {
    /// The source of the ground, which determines how the write that depends on it confirms it.
    enum Source: Hashable, Sendable {
        /// A setting of this service.
        case setting
        /// An annotation of the run's own claim: the write tests that it is unchanged.
        case claim(AnnotationEdit)
        /// The preview Gateway, a separate object: it is read again right before the write.
        case commonGrants
        /// The claim of the parent run: same as ``commonGrants``.
        case parentClaim(RunID)
        /// The core API, for this run: it is looked up again right before the write, and may be known from a response
        /// that is up to 10 s old (Docs/Decisions/0065).
        case coreAPI(RunID)
    }

    let grant: AutomaticGrant
    let source: Source

    /// The values that the write that depends on the ground has to find unchanged.
    var conditions: [AnnotationEdit] {
        if case .claim(let condition) = source { [condition] } else { [] }
    }

    /// A ground in one of the claim's own annotations.
    init?(_ grant: AutomaticGrant, annotation key: String, of ledger: ApprovalLedger) {
        guard let condition = ledger.unchanged(key) else { return nil }
        self.init(grant, .claim(condition))
    }

    init(_ grant: AutomaticGrant, _ source: Source) {
        self.grant = grant
        self.source = source
    }
}
