internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain

/// Words that the table, the story and the document share.
enum ReapWords {
    static let unknownTime = "The API server's time is not known, so nothing is reaped for its age."

    /// When something is, seen from the API server's time: `in 29m12s`, `3m2s ago`.
    static func when(_ instant: Date, _ time: ClusterTimeReading?) -> String {
        guard let time else { return "at \(RFC3339.string(instant))" }
        let left = instant.duration(since: time.earliest)
        return left > .zero ? "in \(left.short)" : "\((.zero - left).short) ago"
    }
}

extension ReapEntry.Decision {
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
