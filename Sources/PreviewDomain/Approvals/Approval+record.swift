internal import Basics
internal import FoundationEssentials

/// The text of an approval: a small JSON object that people can read and edit.
extension Approval {
    /// The most bytes of an annotation that is read as an approval. No step makes a longer one of what was read.
    static let maxTextBytes = 8 * 1024
    /// The most bytes of an object's name or UID (RFC 1123, which Kubernetes follows).
    private static let maxObjectNameBytes = 253

    private struct Record: Codable {
        var state: State
        var run: String
        var port: Int
        var pod: String
        var podUID: String
        var requester: String
        var requestedAt: String
        var deadline: String
        var scope: ApprovalScope?
        var decidedBy: String?
        var decidedAt: String?
        var usableUntil: String?
        var automatic: AutomaticGrant?
        var use: String?
        var preview: String?
        var usedAt: String?
        var shared: Bool?
        var reason: String?
    }

    /// Reads an approval back.
    ///
    /// Only the members of a request are required; a decision that is edited by hand may omit everything except the new
    /// state.
    ///
    /// - Returns: nil if the text is not an approval.
    public init?(id: ApprovalRequestID, text: String) {
        guard text.utf8.count <= Self.maxTextBytes,
            let record = try? JSONDecoder().decode(Record.self, from: Data(text.utf8)),
            let run = try? RunID(record.run), let port = TargetPort(record.port), !record.podUID.isEmpty,
            [record.pod, record.podUID, record.use ?? ""].allSatisfy(Self.isObjectName),
            let requestedAt = RFC3339.date(record.requestedAt), let deadline = RFC3339.date(record.deadline)
        else { return nil }
        self.id = id
        self.run = run
        self.port = port
        pod = record.pod
        podUID = record.podUID
        requester = Self.truncated(record.requester)
        self.requestedAt = requestedAt
        self.deadline = deadline
        state = record.state
        scope = record.scope
        decidedBy = record.decidedBy.map(Self.truncated)
        decidedAt = record.decidedAt.flatMap(RFC3339.date)
        usableUntil = record.usableUntil.flatMap(RFC3339.date)
        automatic = record.automatic
        use = record.use
        preview = record.preview.flatMap { PreviewToken.isFingerprint($0) ? $0 : nil }
        usedAt = record.usedAt.flatMap(RFC3339.date)
        isShared = record.shared ?? false
        reason = record.reason.map(Self.truncated)
    }

    /// Whether the text may name an object or a use. It never becomes longer when it is written.
    private static func isObjectName(_ text: String) -> Bool {
        text.utf8.count <= maxObjectNameBytes
            && text.utf8.allSatisfy {
                (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
    }

    /// The text of the annotation: the same approval always has the same text.
    public var text: String {
        let record = Record(
            state: state,
            run: run.text,
            port: port.number,
            pod: pod,
            podUID: podUID,
            requester: requester,
            requestedAt: RFC3339.string(requestedAt),
            deadline: RFC3339.string(deadline),
            scope: scope,
            decidedBy: decidedBy,
            decidedAt: decidedAt.map(RFC3339.string),
            usableUntil: usableUntil.map(RFC3339.string),
            automatic: automatic,
            use: use,
            preview: preview,
            usedAt: usedAt.map(RFC3339.string),
            shared: isShared ? true : nil,
            reason: reason
        )
        return JSONText.encode(record)
    }
}

/// Values as the text of an annotation.
enum JSONText {
    /// One line with sorted members.
    static func encode(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            preconditionFailure("texts and whole numbers can always be encoded")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
