internal import PreviewDomain

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
