internal import PreviewDomain

/// Which previews live with an object, by that object's UID.
struct TokensByOwner: Sendable {
    private var tokens: [String: Set<PreviewToken>] = [:]

    subscript(uid: String) -> Set<PreviewToken> { tokens[uid] ?? [] }

    mutating func insert(_ token: PreviewToken, of uid: String?) {
        guard let uid else { return }
        tokens[uid, default: []].insert(token)
    }

    mutating func remove(_ token: PreviewToken, of uid: String?) {
        guard let uid else { return }
        tokens[uid]?.remove(token)
        if tokens[uid]?.isEmpty == true { tokens[uid] = nil }
    }
}
