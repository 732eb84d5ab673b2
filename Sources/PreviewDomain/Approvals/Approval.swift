public import FoundationEssentials

/// One request to expose a port of a run's sandbox, and what became of it.
///
/// ```
///             approve              use
/// pending ────────────▶ granted ────────▶ consumed
///    │                   │   ▲               │
///    │ deny              │   └───────────────┘ the start failed and left nothing
///    ├────▶ denied       │ pod changed, or not used in time
///    │                   └────▶ withdrawn
///    │ deadline passed
///    ├────▶ timed-out
///    │ pod changed
///    └────▶ withdrawn
/// ```
///
/// It lives in one annotation of the run's claim. Every step replaces exactly the text that was read, so of all who
/// race for a step one wins. The steps are in `Approval+steps.swift`, the text in `Approval+record.swift`.
public struct Approval: Hashable, Sendable {
    /// Where a request stands. The raw value is written into the annotation.
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// A human has to decide.
        case pending
        /// Approved, and not yet used.
        case granted
        /// Used for one start. Only a start that failed and left nothing behind gives its grant back.
        case consumed
        case denied
        /// Nobody decided in time.
        case timedOut = "timed-out"
        /// What was to be exposed is no more, or the grant was not used in time.
        case withdrawn
    }

    public let id: ApprovalRequestID
    public let run: RunID
    public let port: TargetPort
    /// The pod that was bound to the run when it asked: the approval is for this incarnation alone.
    public let pod: String
    public let podUID: String
    /// Who asked.
    public let requester: String
    public let requestedAt: Date
    /// Until when a human can decide.
    public let deadline: Date

    public internal(set) var state: State
    /// How far the grant reaches; nil until there is one.
    public internal(set) var scope: ApprovalScope?
    /// Who decided; nil when nobody did, or when the decision does not say, as one made by hand may not.
    public internal(set) var decidedBy: String?
    public internal(set) var decidedAt: Date?
    /// Until when the grant may be used; nil where the decision does not say.
    public internal(set) var usableUntil: Date?
    /// The ground of a grant that nobody was asked for.
    public internal(set) var automatic: AutomaticGrant?
    /// Names the one start that used the grant, so that a start whose answer was lost knows its own use again.
    public internal(set) var use: String?
    /// The fingerprint of the preview that the grant became, by which it is found; never its token.
    public internal(set) var preview: String?
    /// When the grant was used.
    public internal(set) var usedAt: Date?
    /// Whether another call than the one that started the preview may have been told of it: then the grant is spent,
    /// whatever becomes of the start.
    public internal(set) var isShared = false
    /// One sentence of whoever denied or withdrew.
    public internal(set) var reason: String?

    /// The tool whose calls are approved, as the platform knows it.
    public static let toolName = "start_preview"

    /// A new request.
    ///
    /// - Parameters:
    ///   - requester: Who asks; what is longer than ``maxNameBytes`` is cut.
    ///   - requestedAt: Now, on the cluster's clock.
    ///   - window: How long a human has to decide.
    public init(
        id: ApprovalRequestID,
        run: RunID,
        port: TargetPort,
        pod: String,
        podUID: String,
        requester: String,
        requestedAt: Date,
        window: Duration
    ) {
        self.id = id
        self.run = run
        self.port = port
        self.pod = pod
        self.podUID = podUID
        self.requester = Self.cut(requester)
        self.requestedAt = requestedAt
        deadline = requestedAt + window
        state = .pending
    }

    /// What is to be exposed, as the platform's timeline and cards name it.
    public var resource: String { "sandbox-preview:\(port.number)" }

    /// What the human is asked.
    public var question: String {
        """
        The agent wants to expose a preview server on port \(port.number). Anybody who has the preview's address can \
        open it while it lives.
        """
    }

    /// Whether the request was made by `requester` for this port of this pod, so that asking again joins it.
    public func isFor(run: RunID, port: TargetPort, podUID: String, requester: String) -> Bool {
        isFor(run: run, port: port, requester: requester) && self.podUID == podUID
    }

    /// As above, whatever the pod.
    public func isFor(run: RunID, port: TargetPort, requester: String) -> Bool {
        self.run == run && self.port == port && isRequested(by: requester)
    }

    /// Whether it was `requester` who asked, whose name may have been cut.
    public func isRequested(by requester: String) -> Bool { self.requester == Self.cut(requester) }

    /// Whether it was `decider` who decided, whose name may have been cut.
    public func isDecided(by decider: String) -> Bool { decidedBy == Self.cut(decider) }

    /// The most bytes of a name or a reason that are kept, so that an approval is small whoever makes it.
    public static let maxNameBytes = 200

    /// The text up to ``maxNameBytes``, cut between characters.
    static func cut(_ text: String) -> String {
        guard text.utf8.count > maxNameBytes else { return text }
        var kept = ""
        var bytes = 0
        for character in text {
            bytes += character.utf8.count
            guard bytes <= maxNameBytes else { break }
            kept.append(character)
        }
        return kept
    }
}

/// The name of one request for approval: 26 characters of lowercase base32 that carry 128 random bits.
///
/// It is the end of an annotation's key, so it fits there whatever it is, and it cannot be guessed, so that knowing one
/// says nothing about another.
public struct ApprovalRequestID: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    private static let byteCount = 16
    private static let length = 26
    private static let displayLength = 8

    /// Takes an id as a caller or an annotation spells it.
    ///
    /// - Returns: nil when it cannot be one of ours.
    public init?(_ text: String) {
        let alphabet = "abcdefghijklmnopqrstuvwxyz234567".utf8
        guard text.utf8.count == Self.length, text.utf8.allSatisfy(alphabet.contains) else { return nil }
        self.text = text
    }

    private init(minted text: String) {
        self.text = text
    }

    /// Draws a new id.
    ///
    /// - Parameter randomBytes: The generator; called once.
    /// - Throws: What the generator throws, or `WrongRandomByteCount` when it hands out too few or too many bytes.
    public static func mint(randomBytes: RandomBytes) throws -> ApprovalRequestID {
        let bytes = try randomBytes(byteCount)
        guard bytes.count == byteCount else {
            throw WrongRandomByteCount(expected: byteCount, actual: bytes.count)
        }
        return ApprovalRequestID(minted: Base32.encode(bytes))
    }

    /// The first eight characters: enough for a human to tell two requests apart.
    public var displayID: String { String(text.prefix(Self.displayLength)) }

    public var description: String { text }
}
