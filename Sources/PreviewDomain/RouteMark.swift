/// The header field that says by which route of the preview Gateway an answer came.
///
/// The route of a preview overwrites it in every answer (Docs/Decisions/0060), so an app cannot set it.
public enum RouteMark {
    /// The field's name.
    public static let fieldName = "x-preview-route"
    /// The value in the page that hosts without a preview get (Docs/Decisions/0067). A preview's own mark begins with a
    /// fingerprint, so it is never this.
    public static let noPreview = "none"
}
