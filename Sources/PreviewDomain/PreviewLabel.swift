/// The labels on a preview's Service and HTTPRoute.
public enum PreviewLabel {
    /// Marks a preview that this service made; the value is `previewValue`.
    public static let preview = "agentweaver.dev/preview"
    /// Names the application of the object; the value is `partOfValue`.
    public static let partOf = "app.kubernetes.io/part-of"
    /// Names the manager of the object; the value is `managedByValue`.
    public static let managedBy = "app.kubernetes.io/managed-by"
    /// Holds the token. A secret.
    public static let token = "agentweaver.dev/preview-token"
    /// Holds the per-run label.
    public static let run = "agentweaver.dev/preview-run"

    /// On a pod, beside the per-run label that this service has set: the pod's own UID. Chosen run IDs can have the same
    /// per-run label, so it alone does not select the pod of one run.
    public static let podUID = "preview.agentweaver.dev/pod-uid"

    /// The value of `preview`.
    public static let previewValue = "true"
    /// The value of `partOf`.
    public static let partOfValue = "agentweaver"
    /// The value of `managedBy`.
    public static let managedByValue = "preview-gateway"

    /// The label selector that finds every preview, including those of the platform's older service.
    public static let ownedSelector = "\(partOf)=\(partOfValue),\(token)"

    /// The labels of a preview.
    ///
    /// - Parameters:
    ///   - token: The preview's token.
    ///   - run: The run that the preview belongs to.
    public static func labels(token: PreviewToken, run: RunLabel) -> [String: String] {
        [
            preview: previewValue,
            partOf: partOfValue,
            managedBy: managedByValue,
            self.token: token.text,
            self.run: run.text,
        ]
    }
}

/// Whether a Service or HTTPRoute is a preview, and which one.
///
/// It is a preview if its name is `preview-{token}`, it is part of Agentweaver, and its token label has the same token.
/// This includes previews of the platform's older service, since neither `preview` nor `managed-by` is required. Other
/// objects are never changed.
///
/// - Parameters:
///   - name: The object's name.
///   - labels: The object's labels.
/// - Returns: The preview's token, or nil if the object is not a preview.
public func previewToken(ofObjectNamed name: String, labels: [String: String]) -> PreviewToken? {
    guard let token = PreviewToken(objectName: name),
        labels[PreviewLabel.partOf] == PreviewLabel.partOfValue,
        labels[PreviewLabel.token] == token.text
    else { return nil }
    return token
}
