internal import Basics
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain

/// Words that the table, the story and the document share.
enum ReapWords {
    static let unknownTime = "The API server's time is not known, so nothing is reaped for its age."
    static let sparedIdle = "Nothing is reaped for idleness: --spare-idle."

    /// Why a replica may still leave alone what this command calls idle; `nil` where none does.
    static func graceOfReplicas(_ policy: PreviewPolicy) -> String? {
        guard policy.outageGrace > .zero else { return nil }
        return """
            A replica that could not record keepalives until a moment ago, because it has just started or could not reach \
            the API server, reaps nothing for idleness for \(policy.outageGrace.short), and a keepalive through it \
            revives what has idled too long. This command cannot know of that; --spare-idle does the same.
            """
    }

    /// When something is, seen from the API server's time: `in 29m12s`, `3m2s ago`.
    static func when(_ instant: Date, _ time: ClusterTimeReading?) -> String {
        guard let time else { return "at \(RFC3339.string(instant))" }
        let left = instant.duration(since: time.earliest)
        return left > .zero ? "in \(left.short)" : "\((.zero - left).short) ago"
    }
}

extension ReapVerdict {
    var word: String {
        switch self {
        case .keep: "keep"
        case .reap: "reap"
        case .leave: "leave"
        }
    }
}

extension Presence {
    var word: String {
        switch self {
        case .present: "present"
        case .gone: "gone"
        case .unknown: "unknown"
        }
    }
}

extension ClusterTimeReading {
    /// How much is uncertain, in seconds.
    var uncertainty: Double { latest.timeIntervalSince(earliest) }

    var words: String {
        let milliseconds = Int((uncertainty * 1000).rounded(.up))
        return "\(RFC3339.string(earliest)), or up to \(milliseconds) ms later"
    }
}

extension ReapEntry {
    /// What there is of the preview's Service.
    enum ServiceState: String {
        case present, missing
        case beingDeleted = "being_deleted"
    }

    var service: ServiceState {
        let backend: PreviewBackend? =
            switch subject {
            case .preview(_, let backend): backend
            case .loneBackend(let backend): backend
            }
        return backend.map { $0.isBeingDeleted ? .beingDeleted : .present } ?? .missing
    }
}
