internal import PreviewDomain

/// Decides whether this replica deletes due previews at once, or waits for another replica to do so first.
///
/// Replicas share no state and do not know each other, but each observes the others' deletions: only another replica
/// deletes a preview for its age. If another replica was faster, this one waits from then on, for a time that differs
/// between previews and between replicas, and then finds most of them gone. A replica that is never slower waits less
/// each time, and after some deletions not at all. Thus one of several replicas becomes the first without coordination,
/// and if it ends, another one does; a single replica never waits.
///
/// It is a value with one writer; it reads no clock and does no I/O.
struct ReapPrecedence: Sendable {
    /// The number of consecutive deletions in which no other replica was faster, up to ``leadToBeFirst``.
    private var lead = Self.leadToBeFirst

    /// After so many such deletions, a replica no longer waits. A larger number would delay deletions after the first
    /// replica has ended; a smaller one would more often let two replicas be first at once.
    static let leadToBeFirst = 4
    /// The shortest wait of a replica that was slower: several times the duration of a deletion and its watch event, so
    /// that the first replica's deletions are observed in time.
    static let shortestDelay = Duration.milliseconds(60)
    /// The longest wait of a replica.
    static let longestDelay = Duration.milliseconds(180)

    /// Whether no other replica is expected to delete what is due.
    var isFirst: Bool { lead == Self.leadToBeFirst }

    /// How long to wait before a deletion that is due.
    ///
    /// When a pod ends, or an object has no counterpart, Kubernetes' garbage collector or the replica that is
    /// processing it deletes too. Therefore every replica waits in these cases, and being slower has no meaning.
    ///
    /// - Parameter share: A number in 0..<1, always the same for one preview, and a different one in other replicas.
    func delay(for reason: ReapReason, share: Double) -> Duration {
        guard Self.revealsOtherReplicas(reason) else { return Self.longestDelay * share }
        let delay = Self.shortestDelay + (Self.longestDelay - Self.shortestDelay) * share
        return delay * (Double(Self.leadToBeFirst - lead) / Double(Self.leadToBeFirst))
    }

    /// Records that this replica deleted a preview.
    mutating func recordOwnDeletion(for reason: ReapReason) {
        guard Self.revealsOtherReplicas(reason), !isFirst else { return }
        lead += 1
    }

    /// Records that another replica deleted a preview that this one was about to delete.
    mutating func recordDeletionByOther(for reason: ReapReason) {
        guard Self.revealsOtherReplicas(reason) else { return }
        lead = 0
    }

    private static func revealsOtherReplicas(_ reason: ReapReason) -> Bool { reason == .idle || reason == .hardCap }
}
