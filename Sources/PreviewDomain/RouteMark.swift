/// The header field that names the route of the preview Gateway through which a response came.
///
/// The route of a preview overwrites it in every response (Docs/Decisions/0060), so an app cannot set it.
public enum RouteMark {
    /// The field's name.
    public static let fieldName = "x-preview-route"
    /// The value in the page for hosts without a preview (Docs/Decisions/0067). It never equals a preview's own mark,
    /// which begins with a fingerprint.
    public static let noPreview = "none"
}
