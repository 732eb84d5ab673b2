/// The labels on a preview's Service and HTTPRoute.
public enum PreviewLabel {
    /// Marks a preview that this service made; the value is `previewValue`.
    public static let preview = "agentweaver.dev/preview"
    /// Says whose object it is; the value is `partOfValue`.
    public static let partOf = "app.kubernetes.io/part-of"
    /// Says what manages the object; the value is `managedByValue`.
    public static let managedBy = "app.kubernetes.io/managed-by"
    /// Holds the token. A secret.
    public static let token = "agentweaver.dev/preview-token"
    /// Holds the per-run label.
    public static let run = "agentweaver.dev/preview-run"

    /// The value of `preview`.
    public static let previewValue = "true"
    /// The value of `partOf`.
    public static let partOfValue = "agentweaver"
    /// The value of `managedBy`.
    public static let managedByValue = "preview-gateway"

    /// The label selector that finds every preview that is ours, those of the platform's earlier service included.
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

/// Whether a Service or HTTPRoute is a preview of ours, and which.
///
/// It is when its name is `preview-{token}`, it is part of Agentweaver, and its token label holds the same token. The
/// previews of the platform's earlier service pass, since neither `preview` nor `managed-by` is asked for. Nothing
/// else is ever touched.
///
/// - Parameters:
///   - name: The object's name.
///   - labels: The object's labels.
/// - Returns: The preview's token, or nil when the object is not ours.
public func isOurs(name: String, labels: [String: String]) -> PreviewToken? {
    guard let token = PreviewToken(objectName: name),
        labels[PreviewLabel.partOf] == PreviewLabel.partOfValue,
        labels[PreviewLabel.token] == token.text
    else { return nil }
    return token
}
