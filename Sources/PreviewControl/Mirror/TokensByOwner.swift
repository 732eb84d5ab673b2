internal import PreviewDomain

/// Which previews live with an object, by that object's UID.
struct TokensByOwner: Sendable {
    /// A run has few previews, and many of these lists have one element.
    private var tokens: [CompactText: [PreviewToken]] = [:]

    subscript(uid: CompactText) -> [PreviewToken] { tokens[uid] ?? [] }

    mutating func insert(_ token: PreviewToken, of uid: CompactText?) {
        guard let uid, !self[uid].contains(token) else { return }
        tokens[uid, default: []].append(token)
    }

    mutating func remove(_ token: PreviewToken, of uid: CompactText?) {
        guard let uid else { return }
        tokens[uid]?.removeAll { $0 == token }
        if tokens[uid]?.isEmpty == true { tokens[uid] = nil }
    }
}
