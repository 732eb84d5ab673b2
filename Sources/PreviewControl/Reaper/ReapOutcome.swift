public import PreviewDomain

/// What became of a deletion that was due.
public enum ReapOutcome: Hashable, Sendable {
    /// This call deleted the object.
    case reaped(ReapReason)
    /// Somebody else had deleted it.
    case alreadyGone
    /// A second look showed that it has to live on.
    case averted(Rescue)
    /// It could not be deleted, or not be known to be.
    case failed(ClusterError)

    /// What saved an object that was about to be deleted. The raw value labels metrics.
    public enum Rescue: String, Sendable, CaseIterable {
        /// The API server refused the deletion, because somebody had written to the object since it was judged (409).
        case conflict
        /// A live read showed what the copy did not know.
        case secondLook = "second_look"
    }
}
