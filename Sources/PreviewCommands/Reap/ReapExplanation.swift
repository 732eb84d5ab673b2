internal import Basics
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain

/// The explanation of one preview for people: its annotations, the objects that it depends on, and the reaper's decision.
struct ReapExplanation: Sendable {
    private let entry: ReapEntry
    private let report: ReapReport

    init(_ entry: ReapEntry, _ report: ReapReport) {
        self.entry = entry
        self.report = report
    }

    var text: String {
        sections.map { section in
            ([section.title] + section.lines.map { "  \($0)" }).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    private typealias Section = (title: String, lines: [String])

    private var sections: [Section] {
        let created = (title: "created", text: "\(RFC3339.string(entry.createdAt))\(age)")
        let run = (title: "run", text: entry.run ?? "unknown")
        switch entry.subject {
        case .loneBackend:
            return [
                (
                    "Service \(entry.token.fingerprint), without an HTTPRoute",
                    Self.columns([run, created])
                ),
                ("Decision", decision), ("Time", [time]),
            ]
        case .preview(let preview, _):
            let annotations = AnnotationExplanation(preview, policy: report.policy.lifetime)
            return [
                ("Preview \(entry.token.fingerprint)", Self.columns([run, created])),
                ("Decision", decision + [keepalive].compactMap(\.self)),
                ("Time", [time]),
                ("Annotations", Self.columns(annotations.lines)),
                ("Depends on", Self.columns(companions(of: preview))),
            ]
        }
    }

    private static func columns(_ lines: [(title: String, text: String)]) -> [String] {
        let width = lines.map(\.title.count).max() ?? 0
        return lines.map { line in
            line.title + String(repeating: " ", count: width - line.title.count + 3) + line.text
        }
    }

    private var age: String {
        report.time.map { ", \(ReapTexts.relativeTime(entry.createdAt, $0))" } ?? ""
    }

    // MARK: Decision

    private var decision: [String] {
        let sentence =
            switch entry.decision {
            case .keep(let until, let reason) where report.time == nil:
                "keep: it would be reaped at \(RFC3339.string(until)), \(reason.clause), if the time were known"
            case .keep(let until, let reason):
                """
                keep: unless something changes, it is reaped \(ReapTexts.relativeTime(until, report.time)), at \
                \(RFC3339.string(until)), \(reason.clause)
                """
            case .reap(let reason, let since?):
                """
                reap: \(reason.clause); due since \(RFC3339.string(since)), \
                \(ReapTexts.relativeTime(since, report.time))
                """
            case .reap(let reason, nil):
                "reap: \(reason.clause)"
            case .leave:
                "leave: it is already being deleted, and waits for its finalizers"
            }
        let rest = "Nothing is deleted: the reaper is disabled, because \(Settings.Keys.enabled.key) is false."
        let grace = entry.isDueForIdleness ? ReapTexts.graceOfReplicas(report.policy) : nil
        let spared = report.sparesIdle ? ReapTexts.sparedIdle : nil
        return ["\(sentence)."] + [grace, spared, report.policy.isEnabled ? nil : rest].compactMap(\.self)
    }

    private var keepalive: String? {
        switch entry.keepalive {
        case .expired? where entry.isDueForIdleness && report.policy.outageGrace > .zero:
            "A keepalive through any other replica is refused with 404: an expired preview is not extended."
        case .expired?: "A keepalive is refused with 404: an expired preview is not extended."
        case .alreadyAlive(let expiry)?:
            "A keepalive now writes nothing: the expiry stays \(RFC3339.string(expiry))."
        case .extend(let expiry)?: "A keepalive now moves its expiry to \(RFC3339.string(expiry))."
        case nil: nil
        }
    }

    private var time: String {
        guard let time = report.time else { return ReapTexts.unknownTime }
        return """
            The API server's time is between \(RFC3339.string(time.earliest)) and \(RFC3339.string(time.latest)). \
            Age is judged by the first; a keepalive counts from the second.
            """
    }

    // MARK: Companions

    private func companions(of preview: Preview) -> [(title: String, text: String)] {
        let pod = preview.podName.map { "\(Excerpt.quoted($0)) " } ?? ""
        let claim = preview.runID.map { "\(Excerpt.quoted(preview.claimName ?? $0.claimName)) " } ?? ""
        let matters = report.policy.lifetime.keepsAfterRun ? "; not relevant: previews are kept after their run" : ""
        let service =
            switch entry.service {
            case .present: "exists"
            case .missing: "is missing; a route without one is reaped once it is older than the grace time"
            case .beingDeleted: "is being deleted"
            }
        return [
            ("pod", pod + Self.description(of: entry.pod, unknown: "unknown; its end does not end the preview")),
            ("claim", claim + Self.description(of: entry.claim, unknown: "unknown") + matters),
            ("Service", service),
        ]
    }

    private static func description(of presence: Presence, unknown: String) -> String {
        switch presence {
        case .present: "exists"
        case .gone: "does not exist, or another object has its name"
        case .unknown: unknown
        }
    }
}

extension ReapReason {
    /// The end of a sentence such as "it is reaped …".
    fileprivate var clause: String {
        switch self {
        case .podGone: "because its pod is gone (\(rawValue))"
        case .hardCap: "because it reaches its longest lifetime (\(rawValue))"
        case .idle: "because it received no keepalives (\(rawValue))"
        case .orphan: "because its HTTPRoute or Service is missing (\(rawValue))"
        case .claimGone: "because its run has ended (\(rawValue))"
        }
    }
}

/// The values of a preview's annotations, and the values used in place of missing or invalid ones.
struct AnnotationExplanation: Sendable {
    private let preview: Preview
    private let policy: LifetimePolicy

    init(_ preview: Preview, policy: LifetimePolicy) {
        self.preview = preview
        self.policy = policy
    }

    /// One line for each annotation, with the annotation's name without the common prefix.
    var lines: [(title: String, text: String)] {
        typealias Key = PreviewAnnotations.Key
        return [
            line(Key.expiresAt, preview.expiresAt.map(RFC3339.string), note: expiryNote, fallback: expiryFallback),
            line(Key.maxUntil, preview.maxUntil.map(RFC3339.string), note: capNote, fallback: capFallback),
            line(Key.startedAt, RFC3339.string(preview.startedAt), fallback: "creationTimestamp is used"),
            line(
                Key.run,
                preview.run?.text,
                fallback: preview.run.map { "the label is used, \($0)" } ?? "it cannot be kept alive or stopped"
            ),
            line(Key.runID, preview.runID?.text, fallback: "its claim is unknown, and no timeline contains its events"),
            line(
                Key.claimUID,
                preview.claimUID.map(Excerpt.quoted),
                fallback: "the end of its run cannot be detected"
            ),
            line(Key.pod, preview.podName.map(Excerpt.quoted), fallback: "the end of its pod cannot be detected"),
            line(Key.podUID, preview.podUID.map(Excerpt.quoted), fallback: "its pod is identified by its name only"),
            line(Key.owner, preview.owner.map(Excerpt.quoted), fallback: "the reaper does not need it"),
            line(Key.targetPort, preview.targetPort.map(String.init), fallback: "the reaper does not need it"),
        ]
    }

    private func line(
        _ key: String,
        _ value: String?,
        note: String? = nil,
        fallback: String
    ) -> (title: String, text: String) {
        let text =
            if preview.missingAnnotations.contains(key) {
                "missing: \(fallback)"
            } else if preview.unusableAnnotations.contains(key) {
                "unusable: \(fallback)"
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
