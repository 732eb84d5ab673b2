internal import Basics

/// The identifier of a run, in its canonical spelling.
///
/// A run id is 1 to 128 characters of `[A-Za-z0-9._-]`, the first a letter or digit. A UUID, with or without its
/// hyphens and in either case, is one run and is written in lower case with hyphens; every other id is kept as it is.
public struct RunID: Hashable, Sendable, CustomStringConvertible {
    /// The most characters that a run id may have.
    public static let maximumLength = 128

    /// The canonical spelling.
    public var text: String { compact.text }
    /// Whether the id is a UUID.
    ///
    /// The first 12 digits of a UUID distinguish runs well enough for the claim's name to be a proof; those of another
    /// ID do not.
    public var isUUID: Bool { compact.isUUID }

    private let compact: CompactText

    /// Reads a run id as a caller wrote it.
    ///
    /// - Throws: `InvalidRunID`, which says what is wrong.
    public init(_ text: String) throws(InvalidRunID) {
        let bytes = text.utf8
        guard let first = bytes.first else {
            throw InvalidRunID(problem: "The run ID is empty")
        }
        guard bytes.count <= Self.maximumLength else {
            throw InvalidRunID(problem: "The run ID is \(bytes.count) bytes long")
        }
        guard bytes.allSatisfy(Self.isAllowed) else {
            throw InvalidRunID(problem: "The run ID has a character that is not allowed")
        }
        guard first.isAlphanumeric else {
            throw InvalidRunID(problem: "The run ID does not start with a letter or digit")
        }
        compact = CompactText(Self.canonicalUUID(Array(bytes)) ?? text)
    }

    /// The canonical spelling.
    public var description: String { text }

    /// The per-run label that marks the run's objects in the cluster.
    public var label: RunLabel { RunLabel(self) }

    /// The usual name of the run's SandboxClaim: `agent-` and the first 12 characters of the id without hyphens.
    public var claimName: String { "agent-\(start(12))" }

    /// The names of the run's SandboxClaim, in the order in which they are tried: that of the agent's claim, then that
    /// of the executor's, `run-` and the first 16 characters of the ID without hyphens.
    ///
    /// A name is not a proof: `ClaimProof` has the other conditions.
    public var claimNames: [String] { [claimName, "run-\(start(16))"] }

    /// The first characters of the id without hyphens.
    private func start(_ length: Int) -> String {
        String(decoding: text.utf8.filter { $0 != UInt8(ascii: "-") }.prefix(length), as: UTF8.self)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    /// The UUID (RFC 9562) in lower case with hyphens; nil if the bytes are not one.
    ///
    /// Only the two usual spellings count, 32 digits or 8-4-4-4-12. With hyphens elsewhere it is another ID.
    private static func canonicalUUID(_ bytes: [UInt8]) -> String? {
        let hyphenPositions: Set = [8, 13, 18, 23]
        let hasHyphens = bytes.count == 36 && hyphenPositions.allSatisfy { bytes[$0] == UInt8(ascii: "-") }
        let digits = hasHyphens ? bytes.filter { $0 != UInt8(ascii: "-") } : bytes
        guard digits.count == 32, digits.allSatisfy(\.isHexadecimalDigit) else { return nil }
        var canonical: [UInt8] = []
        canonical.reserveCapacity(36)
        for digit in digits {
            if hyphenPositions.contains(canonical.count) { canonical.append(UInt8(ascii: "-")) }
            canonical.append(digit.lowercased)
        }
        return String(decoding: canonical, as: UTF8.self)
    }
}

/// The reason why a text is not a run ID.
public struct InvalidRunID: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence: what was wrong and what is expected. It repeats nothing of the input, which may be a misplaced
    /// token.
    public let message: String

    init(problem: String) {
        message =
            "\(problem); expected 1 to \(RunID.maximumLength) characters of A-Z, a-z, 0-9, '.', '_' and '-', "
            + "the first a letter or digit."
    }

    /// The message.
    public var description: String { message }
}
