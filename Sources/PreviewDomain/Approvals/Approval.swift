public import FoundationEssentials

/// One request to expose a port of a run's sandbox, with its state.
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
/// It is stored in one annotation of the run's claim. Every transition replaces exactly the text that was read, so one
/// of several concurrent transitions succeeds. The transitions are in `Approval+steps.swift`, the text in
/// `Approval+record.swift`.
public struct Approval: Hashable, Sendable {
    /// The state of a request. The raw value is written into the annotation.
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// A human has to decide.
        case pending
        /// Approved, and not yet used.
        case granted
        /// Used for one start. Only a start that failed and left nothing behind returns its grant.
        case consumed
        case denied
        /// No decision was made in time.
        case timedOut = "timed-out"
        /// The pod no longer exists, or the grant was not used in time.
        case withdrawn
    }

    public let id: ApprovalRequestID
    public let run: RunID
    public let port: TargetPort
    /// The run's pod at the time of the request: the approval is valid only for this incarnation.
    public let pod: String
    public let podUID: String
    /// The requester.
    public let requester: String
    public let requestedAt: Date
    /// The time until which a human can decide.
    public let deadline: Date

    public internal(set) var state: State
    /// The scope of the grant; nil until there is one.
    public internal(set) var scope: ApprovalScope?
    /// Who decided; nil if there is no decision, or if a decision that was written by hand does not say.
    public internal(set) var decidedBy: String?
    public internal(set) var decidedAt: Date?
    /// The time until which the grant may be used; nil if the decision does not say.
    public internal(set) var usableUntil: Date?
    /// The ground of an automatic grant.
    public internal(set) var automatic: AutomaticGrant?
    /// Names the one start that used the grant, so that a start whose response was lost recognises its own use.
    public internal(set) var use: String?
    /// The fingerprint of the grant's preview, by which it is found; never its token.
    public internal(set) var preview: String?
    /// When the grant was used.
    public internal(set) var usedAt: Date?
    /// Whether a call other than the one that started the preview may have returned it: then the grant stays used,
    /// whatever the result of the start.
    public internal(set) var isShared = false
    /// The reason that was given for a denial or a withdrawal.
    public internal(set) var reason: String?

    /// The tool whose calls are approved, as the platform knows it.
    public static let toolName = "start_preview"

    /// A new request.
    ///
    /// - Parameters:
    ///   - requester: The requester; a name longer than ``maxNameBytes`` is cut.
    ///   - requestedAt: The present time, by the cluster's clock.
    ///   - window: The time in which a human has to decide.
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
        self.requester = Self.truncated(requester)
        self.requestedAt = requestedAt
        deadline = requestedAt + window
        state = .pending
    }

    /// The resource, as the platform's timeline and cards name it.
    public var resource: String { "sandbox-preview:\(port.number)" }

    /// The longest ``window`` that the service's setting allows.
    public static let longestWindow = Duration.seconds(86_400)

    /// The time in which a human has to decide, and after the decision the time in which the grant can be used. A
    /// deadline that was edited makes it no longer than ``longestWindow``.
    public var window: Duration { min(deadline.duration(since: requestedAt), Self.longestWindow) }

    /// The question to the human.
    public var question: String {
        """
        The agent wants to expose a preview server on port \(port.number). Anybody who has the preview's address can \
        open it while it exists.
        """
    }

    /// Whether `requester` made the request for this port of this pod, so that repeating the request joins it.
    public func isFor(run: RunID, port: TargetPort, podUID: String, requester: String) -> Bool {
        isFor(run: run, port: port, requester: requester) && self.podUID == podUID
    }

    /// Same as above, for any pod.
    public func isFor(run: RunID, port: TargetPort, requester: String) -> Bool {
        self.run == run && self.port == port && isRequested(by: requester)
    }

    /// Whether `requester` made the request; the stored name may have been cut.
    public func isRequested(by requester: String) -> Bool { self.requester == Self.truncated(requester) }

    /// Whether `decider` made the decision; the stored name may have been cut.
    public func isDecided(by decider: String) -> Bool { decidedBy == Self.truncated(decider) }

    /// The longest stored name or reason in bytes, so that an approval is always small.
    public static let maxNameBytes = 200

    /// The text up to ``maxNameBytes``, cut between characters, with a space for each control character of ASCII. Those
    /// would take six bytes each in JSON.
    static func truncated(_ text: String) -> String {
        let line = text.utf8.contains(where: isControl) ? replacingControls(in: text) : text
        guard line.utf8.count > maxNameBytes else { return line }
        var kept = ""
        var bytes = 0
        for character in line {
            bytes += character.utf8.count
            guard bytes <= maxNameBytes else { break }
            kept.append(character)
        }
        return kept
    }

    /// The bytes of a longer character in UTF-8 are never control characters.
    private static func replacingControls(in text: String) -> String {
        String(decoding: text.utf8.map { isControl($0) ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7f }
}

/// The ID of one request for approval: 26 characters of lowercase base32 that encode 128 random bits.
///
/// It is a valid end of an annotation's key, and it cannot be guessed, so that one ID reveals nothing about another.
public struct ApprovalRequestID: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    private static let byteCount = 16
    private static let length = 26
    private static let displayLength = 8

    /// Reads an ID from a caller or an annotation.
    ///
    /// - Returns: nil if it cannot be an ID of this service.
    public init?(_ text: String) {
        let alphabet = "abcdefghijklmnopqrstuvwxyz234567".utf8
        guard text.utf8.count == Self.length, text.utf8.allSatisfy(alphabet.contains) else { return nil }
        self.text = text
    }

    private init(minted text: String) {
        self.text = text
    }

    /// Generates a new ID.
    ///
    /// - Parameter randomBytes: The generator; called once.
    /// - Throws: The generator's error, or `WrongRandomByteCount` if it returns too few or too many bytes.
    public static func mint(randomBytes: RandomBytes) throws -> ApprovalRequestID {
        let bytes = try randomBytes(byteCount)
        guard bytes.count == byteCount else {
            throw WrongRandomByteCount(expected: byteCount, actual: bytes.count)
        }
        return ApprovalRequestID(minted: Base32.encode(bytes))
    }

    /// The first eight characters: sufficient for a human to distinguish requests.
    public var displayID: String { String(text.prefix(Self.displayLength)) }

    public var description: String { text }
}
