internal import ArgumentParser
internal import PreviewControl
internal import PreviewDomain

/// What an operator calls a preview by: its fingerprint, its token, the name of its objects, its URL, or its run.
///
/// Most of these hold the secret, so nothing of what was given is ever repeated. Any DNS label may be a token and nearly any
/// text a run's id, so a text may be more than one of these.
struct PreviewReference: Sendable {
    /// The fingerprint that was given, or those of the tokens that the text may be.
    private let fingerprints: Set<String>
    private let run: RunLabel?

    /// - Throws: A `ValidationError` where the text can be none of these.
    init(_ text: String) throws {
        let lowercased = text.lowercased()
        let isFingerprint =
            lowercased.utf8.count == PreviewToken.fingerprintLength && lowercased.allSatisfy(\.isHexDigit)
        let tokens = [PreviewToken(objectName: text), PreviewToken(text), PreviewToken(url: lowercased)].compactMap(
            \.self
        )
        fingerprints = Set(tokens.map(\.fingerprint) + (isFingerprint ? [lowercased] : []))
        run = try? RunID(text).label
        guard run != nil || !fingerprints.isEmpty else {
            throw ValidationError(
                """
                Expected a fingerprint of \(PreviewToken.fingerprintLength) hexadecimal digits, a preview's token or URL, \
                or a run's id.
                """
            )
        }
    }

    func names(_ entry: ReapEntry) -> Bool {
        switch entry.subject {
        case .preview(let preview, _): names(preview.token, of: preview.run)
        case .loneBackend(let backend): names(backend.token, of: backend.run)
        }
    }

    func names(_ token: PreviewToken, of run: RunLabel?) -> Bool {
        fingerprints.contains(token.fingerprint) || (run != nil && run == self.run)
    }
}
