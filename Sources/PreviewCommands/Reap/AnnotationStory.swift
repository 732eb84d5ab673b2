internal import Basics
internal import FoundationEssentials
internal import PreviewDomain

/// What a preview's annotations say, and what is used instead of those that say nothing usable.
struct AnnotationStory: Sendable {
    private let preview: Preview
    private let policy: LifetimePolicy

    init(_ preview: Preview, policy: LifetimePolicy) {
        self.preview = preview
        self.policy = policy
    }

    /// One line for each annotation, named without the prefix that all have.
    var lines: [(title: String, text: String)] {
        typealias Key = PreviewAnnotations.Key
        return [
            line(Key.expiresAt, preview.expiresAt.map(RFC3339.string), note: expiryNote, instead: expiryFallback),
            line(Key.maxUntil, preview.maxUntil.map(RFC3339.string), note: capNote, instead: capFallback),
            line(Key.startedAt, RFC3339.string(preview.startedAt), instead: "creationTimestamp is used"),
            line(
                Key.run,
                preview.run?.text,
                instead: preview.run.map { "the label is used, \($0)" } ?? "nobody can keep it alive or stop it"
            ),
            line(Key.runID, preview.runID?.text, instead: "its claim cannot be told, and no timeline tells of it"),
            line(
                Key.claimUID,
                preview.claimUID.map(Excerpt.quoted),
                instead: "the end of its run cannot be told"
            ),
            line(Key.pod, preview.podName.map(Excerpt.quoted), instead: "the end of its pod cannot be told"),
            line(Key.podUID, preview.podUID.map(Excerpt.quoted), instead: "its pod is told by its name alone"),
            line(Key.owner, preview.owner.map(Excerpt.quoted), instead: "the reaper does not need it"),
            line(Key.targetPort, preview.targetPort.map(String.init), instead: "the reaper does not need it"),
        ]
    }

    private func line(
        _ key: String,
        _ value: String?,
        note: String? = nil,
        instead: String
    ) -> (title: String, text: String) {
        let text =
            if preview.missingAnnotations.contains(key) {
                "missing: \(instead)"
            } else if preview.unusableAnnotations.contains(key) {
                "unusable: \(instead)"
            } else {
                (value ?? "") + (note.map { "; \($0)" } ?? "")
            }
        return (String(key.dropFirst(PreviewAnnotations.Key.prefix.count)), text)
    }

    private var cap: String {
        "creationTimestamp and \(policy.maxLifetime.short), \(RFC3339.string(preview.createdAt + policy.maxLifetime))"
    }

    private var expiryFallback: String {
        """
        creationTimestamp and \(policy.idleTimeout.short) is used, \
        \(RFC3339.string(preview.effectiveExpiresAt(policy: policy)))
        """
    }

    private var expiryNote: String? {
        preview.effectiveExpiresAt(policy: policy) > preview.effectiveMaxUntil(policy: policy)
            ? "beyond the cap, so it does not count" : nil
    }

    private var capFallback: String { "\(cap) is used" }

    private var capNote: String? {
        preview.maxUntil.flatMap { $0 > preview.effectiveMaxUntil(policy: policy) ? "clamped to \(cap)" : nil }
    }
}
