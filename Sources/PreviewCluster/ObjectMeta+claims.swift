internal import KubernetesModel
internal import PreviewControl
internal import PreviewDomain

extension ObjectMeta {
    /// Whether this is the claim of `run`, whose name it has.
    func claimProof(of run: RunID) -> ClaimProof { ClaimProof(of: run, writtenRun: writtenRun) }

    /// The run id that the platform wrote on the claim.
    var writtenRun: String? { platformValue(ClaimAnnotation.runID) }

    /// The owner that the platform wrote on the claim.
    var runOwner: String? { platformValue(ClaimAnnotation.runOwner) }

    /// What the platform wrote under `key`, as an annotation or as a label.
    private func platformValue(_ key: String) -> String? {
        annotations[key] ?? labels[key]
    }
}
