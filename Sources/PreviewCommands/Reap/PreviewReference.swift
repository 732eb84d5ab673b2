internal import ArgumentParser
internal import PreviewControl
internal import PreviewDomain

/// The argument of `stop` and `explain`: the previews.
struct PreviewArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The previews, by fingerprint, token or URL, or by their run.", valueName: "preview"))
    private var texts: [String]

    /// Read here and not by the parser, whose error would repeat the text.
    func references() throws -> [PreviewReference] { try texts.map { try PreviewReference($0) } }

    func validate() throws { _ = try references() }
}

/// A preview or run named by an operator: a fingerprint, a token, the name of the preview's objects, a URL, or a run id.
///
/// Most of these contain the secret token, so error messages never repeat the text. A text may match several of these forms,
/// because a token is also a valid run id.
struct PreviewReference: Sendable {
    /// The fingerprints of all tokens that the text may stand for, and the text itself if it has the form of a fingerprint.
    private let fingerprints: Set<String>
    private let run: RunLabel?

    /// - Throws: A `ValidationError` if the text has none of these forms.
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

    func matches(_ entry: ReapEntry) -> Bool {
        switch entry.subject {
        case .preview(let preview, _): matches(preview.token, of: preview.run)
        case .loneBackend(let backend): matches(backend.token, of: backend.run)
        }
    }

    func matches(_ token: PreviewToken, of run: RunLabel?) -> Bool {
        fingerprints.contains(token.fingerprint) || (run != nil && run == self.run)
    }
}
