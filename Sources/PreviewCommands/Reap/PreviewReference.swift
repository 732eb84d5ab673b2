internal import PreviewDomain

/// What an operator calls a preview by: its fingerprint, its token, or the name of its objects.
///
/// The last two hold the secret, so nothing of what was given is ever repeated.
struct PreviewReference: Sendable {
    /// The fingerprint that was given, or that of the token that was given.
    let fingerprint: String

    /// - Throws: A ``SettingsError`` where the text can be neither.
    init(_ text: String) throws(SettingsError) {
        let lowercased = text.lowercased()
        if lowercased.utf8.count == PreviewToken.fingerprintLength, lowercased.allSatisfy(\.isHexDigit) {
            fingerprint = lowercased
        } else if let token = PreviewToken(objectName: text) ?? PreviewToken(text) {
            fingerprint = token.fingerprint
        } else {
            throw SettingsError(
                "--explain: expected a fingerprint of \(PreviewToken.fingerprintLength) hexadecimal digits, or a token"
            )
        }
    }

    func names(_ token: PreviewToken) -> Bool { token.fingerprint == fingerprint }
}
