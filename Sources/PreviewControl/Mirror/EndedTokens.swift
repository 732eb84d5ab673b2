internal import PreviewDomain

/// Which previews this replica has ended, or has begun to end, a short while ago.
///
/// Two generations: what is noted is forgotten at the second call of ``forgetOld()`` after it, which bounds it by what
/// ends within two sweep intervals.
struct EndedTokens: Sendable {
    private var recent: Set<PreviewToken> = []
    private var older: Set<PreviewToken> = []

    mutating func insert(_ token: PreviewToken) { recent.insert(token) }

    func contains(_ token: PreviewToken) -> Bool { recent.contains(token) || older.contains(token) }

    mutating func forgetOld() {
        older = recent
        recent = []
    }
}
