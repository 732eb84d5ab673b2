internal import KubernetesModel
internal import PreviewDomain

/// Whether a claim, found by its name, is a run's.
enum ClaimProof: Hashable, Sendable {
    case proven
    /// Nothing says that it is not, and nothing that it is.
    case unproven
    case ofAnotherRun
}

extension ObjectMeta {
    /// Whether this is the claim of `run`, whose name it has.
    ///
    /// The claim's name holds only twelve characters of the run id. What the platform wrote on the claim must say the
    /// same run; where it wrote nothing, twelve hexadecimal digits of a UUID are enough, and a prefix of any other id
    /// is not, since anybody could choose an id that begins alike.
    func claimProof(of run: RunID) -> ClaimProof {
        guard let written = writtenRun else { return run.isUUID ? .proven : .unproven }
        return (try? RunID(written)) == run ? .proven : .ofAnotherRun
    }

    /// The run id that the platform wrote on the claim.
    var writtenRun: String? { platformValue(ClaimAnnotation.runID) }

    /// The owner that the platform wrote on the claim.
    var runOwner: String? { platformValue(ClaimAnnotation.runOwner) }

    /// What the platform wrote under `key`, as an annotation or as a label.
    private func platformValue(_ key: String) -> String? {
        annotations[key] ?? labels[key]
    }
}
