internal import PreviewDomain

/// Whether this replica deletes what is due at once, or waits for another replica to do so first.
///
/// Replicas share no state and do not know each other, but each sees what the others do: nobody but another replica
/// deletes a preview for its age. A replica that was overtaken waits from then on, for a time that differs from preview to
/// preview and from replica to replica, and finds that most of them are gone. One that nobody overtakes waits ever less,
/// and after some deletions not at all. So of several replicas one becomes the first without being told, and where it
/// ends another one does; a replica that is alone never waits.
///
/// A value that one writer changes; it reads no clock and does no I/O.
struct ReapPrecedence: Sendable {
    /// How many deletions in a row nobody was ahead of, up to ``leadToBeFirst``.
    private var lead = Self.leadToBeFirst

    /// After so many deletions that nobody was ahead of, a replica does not wait any more. More would leave previews
    /// waiting for longer once the first replica has ended; fewer would make two replicas first at once more often.
    static let leadToBeFirst = 4
    /// The least time that a replica which was overtaken waits: several times what a deletion and the watch that tells of
    /// it take, so that the first replica's deletions are seen in time.
    static let shortestDelay = Duration.milliseconds(60)
    /// The longest time that any replica waits.
    static let longestDelay = Duration.milliseconds(180)

    /// Whether nobody else is expected to delete what is due.
    var isFirst: Bool { lead == Self.leadToBeFirst }

    /// How long to wait before a deletion that is due.
    ///
    /// What ends with its pod, or is half a pair, Kubernetes' garbage collector or the replica that is at it deletes too;
    /// so every replica waits there, and that others were ahead says nothing.
    ///
    /// - Parameter share: A number in 0..<1, always the same for one preview, and another in other replicas.
    func delay(for reason: ReapReason, share: Double) -> Duration {
        guard Self.tellsOfReplicas(reason) else { return Self.longestDelay * share }
        let delay = Self.shortestDelay + (Self.longestDelay - Self.shortestDelay) * share
        return delay * (Double(Self.leadToBeFirst - lead) / Double(Self.leadToBeFirst))
    }

    /// Notes that this replica deleted a preview.
    mutating func noteOwnDeletion(for reason: ReapReason) {
        guard Self.tellsOfReplicas(reason), !isFirst else { return }
        lead += 1
    }

    /// Notes that somebody else deleted a preview that this replica was about to delete.
    mutating func noteOthersDeletion(for reason: ReapReason) {
        guard Self.tellsOfReplicas(reason) else { return }
        lead = 0
    }

    private static func tellsOfReplicas(_ reason: ReapReason) -> Bool { reason == .idle || reason == .hardCap }
}
