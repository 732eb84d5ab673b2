internal import Basics
import OpenSSLKit

/// The per-run label, which names the run of an object in the cluster.
///
/// It is the value of the label `PreviewLabel.run` and of the annotation `PreviewAnnotations.Key.run`. Two runs have
/// different labels, except for a collision in 32 bits of SHA-256 between IDs that also look alike. Such IDs can be found
/// by trial, so the label alone is not a proof: see ``Preview/belongs(to:)``.
public struct RunLabel: Hashable, Sendable, CustomStringConvertible {
    /// The label's value: 1 to 63 characters that Kubernetes accepts in a label.
    public var text: String { compact.text }

    private let compact: CompactText

    /// The label of a run.
    init(_ run: RunID) {
        compact = CompactText(Self.text(runID: run.text))
    }

    /// Reads a label from an object.
    ///
    /// - Parameter text: Any label value of Kubernetes that is not empty: 1 to 63 of `[A-Za-z0-9._-]`, a letter or
    ///   digit at both ends.
    public init?(existing text: String) {
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, bytes.count <= DNSLabel.maximumLength else { return nil }
        let punctuation = Array("-._".utf8)
        guard first.isAlphanumeric, last.isAlphanumeric,
            bytes.allSatisfy({ $0.isAlphanumeric || punctuation.contains($0) })
        else { return nil }
        compact = CompactText(text)
    }

    /// The label's value.
    public var description: String { text }

    /// The contract's rule: lower case, other characters replaced by `-`, trimmed, cut, and 8 digits of the digest.
    ///
    /// - Parameter runID: The canonical ID. Every text has a label; an empty rest becomes `run`.
    static func text(runID: String) -> String {
        let hyphen = UInt8(ascii: "-")
        let suffix = "-" + Digest.sha256Hex(runID.utf8).prefix(8)
        let mapped = runID.utf8.map { byte in
            let lower = byte.lowercased
            return lower.isLowercaseAlphanumeric ? lower : hyphen
        }
        let trimmed = mapped.drop { $0 == hyphen }.trimmingSuffix { $0 == hyphen }
        let base = trimmed.prefix(DNSLabel.maximumLength - suffix.utf8.count)
        return (base.isEmpty ? "run" : String(decoding: base, as: UTF8.self)) + suffix
    }
}

extension ArraySlice<UInt8> {
    /// The slice without the bytes at its end that satisfy the predicate.
    fileprivate func trimmingSuffix(while predicate: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        guard let last = lastIndex(where: { !predicate($0) }) else { return [] }
        return self[startIndex...last]
    }
}
