import Basics
import FoundationEssentials
import TestSupport

@testable import PreviewDomain

/// Values that many tests start from.
enum Samples {
    /// A creation time in whole seconds, as Kubernetes writes it.
    static let createdAt = Date(timeIntervalSince1970: 1_767_323_045)
    static let tokenText = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"

    static func token(_ text: String = tokenText) -> PreviewToken {
        guard let token = PreviewToken(text) else { preconditionFailure("a sample token is invalid") }
        return token
    }

    static let runID = RunID.known("run-1")

    static func runLabel(_ text: String = "run-1234abcd") -> RunLabel {
        guard let label = RunLabel(existing: text) else { preconditionFailure("a sample label is invalid") }
        return label
    }

    /// A preview with exactly these annotations.
    static func preview(
        annotations: [String: String] = [:],
        createdAt: Date = createdAt,
        isBeingDeleted: Bool = false
    ) -> Preview {
        let token = token()
        let preview = Preview(
            name: token.objectName,
            labels: PreviewLabel.labels(token: token, run: runLabel()),
            annotations: annotations,
            uid: "uid-1",
            resourceVersion: "7",
            createdAt: createdAt,
            isBeingDeleted: isBeingDeleted
        )
        guard let preview else { preconditionFailure("a sample preview is not ours") }
        return preview
    }

    /// A preview whose two deadlines are the given seconds after its creation; `nil` omits the annotation.
    static func preview(expiresAfter: Int?, maxUntilAfter: Int?, isBeingDeleted: Bool = false) -> Preview {
        var annotations: [String: String] = [:]
        annotations[PreviewAnnotations.Key.expiresAt] = expiresAfter.map { RFC3339.string(createdAt + .seconds($0)) }
        annotations[PreviewAnnotations.Key.maxUntil] = maxUntilAfter.map { RFC3339.string(createdAt + .seconds($0)) }
        return preview(annotations: annotations, isBeingDeleted: isBeingDeleted)
    }
}
