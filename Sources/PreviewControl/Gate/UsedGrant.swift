internal import FoundationEssentials
internal import PreviewDomain

/// What a used grant led to.
enum UsedGrant: Sendable {
    case preview(StartedPreview)
    /// The start failed, and the grant can be used again.
    case givenBack(ApprovalLedger.Entry, ClaimRecord)
    /// The preview has ended, or never came to be.
    case ended(Approval?)

    /// The longest time that a start is given from its use of the grant to its route, before it is taken for dead.
    static let longestStart = Duration.seconds(20)
    /// How long after a route has gone its start may still give the grant back: the route may have gone because of that.
    static let giveBackGrace = Duration.seconds(2)
    /// The first pause between two looks for the preview; each later one is twice as long, up to the longest.
    static let firstPause = Duration.milliseconds(20)
    static let longestPause = Duration.seconds(1)

    /// Until when a preview may still come to be of an approval that is used, or the grant be given back.
    ///
    /// - Parameter end: How the preview ended, where it is known to have.
    static func latestOutcome(of approval: Approval, ended end: EndedPreviews.End? = nil) -> Date {
        let latest = (approval.usedAt ?? approval.decidedAt ?? approval.requestedAt) + longestStart
        return switch end {
        case .stopped: .distantPast
        case .seen(let instant): min(latest, instant + giveBackGrace)
        case nil: latest
        }
    }

    /// Until when the start that has used an approval can give it back.
    static func latestGiveBack(of approval: Approval) -> Date { latestOutcome(of: approval) }

    /// Whether a call that is about to be told of the preview has to say so on the claim first, so that the grant is not
    /// given back afterwards. A write that gives it back may take as long again as the start.
    static func mustBeShared(_ approval: Approval, now: Date) -> Bool {
        !approval.isShared && now < latestGiveBack(of: approval) + longestStart
    }

    /// Whether a preview of the approval may exist, or come to be.
    ///
    /// - Parameter lifetime: The longest life of a preview.
    static func mayExist(_ approval: Approval, now: Date, lifetime: Duration) -> Bool {
        approval.state == .consumed && approval.preview != nil && now < latestOutcome(of: approval) + lifetime
    }
}

/// Somebody else was faster: what was to be used is no longer what was read. The caller reads it again.
struct Overtaken: Error {}
