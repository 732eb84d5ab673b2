/// A list of objects, or one page of it (`metav1.List`).
public struct ObjectList<Item: Sendable>: Sendable {
    public var metadata: ListMeta
    /// The objects; JSON `null` decodes to none.
    public var items: [Item]

    public init(metadata: ListMeta = ListMeta(), items: [Item]) {
        self.metadata = metadata
        self.items = items
    }
}

/// The metadata of a list (`metav1.ListMeta`).
public struct ListMeta: Codable, Hashable, Sendable {
    /// The version of the list: a watch from it sees every later change.
    public var resourceVersion: String
    /// The token for the next page; `nil` on the last one.
    public var continueToken: String?
    /// How many objects follow; metadata-only lists never say.
    public var remainingItemCount: Int64?

    public init(resourceVersion: String = "", continueToken: String? = nil, remainingItemCount: Int64? = nil) {
        self.resourceVersion = resourceVersion
        self.continueToken = continueToken
        self.remainingItemCount = remainingItemCount
    }

    private enum CodingKeys: String, CodingKey {
        case resourceVersion, remainingItemCount
        case continueToken = "continue"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        resourceVersion = try container.decodeIfPresent(String.self, forKey: .resourceVersion) ?? ""
        let token = try container.decodeIfPresent(String.self, forKey: .continueToken)
        continueToken = token?.isEmpty == true ? nil : token
        remainingItemCount = try container.decodeIfPresent(Int64.self, forKey: .remainingItemCount)
    }
}

extension ObjectList: Decodable where Item: Decodable {
    private enum CodingKeys: String, CodingKey {
        case metadata, items
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decode(ListMeta.self, forKey: .metadata)
        items = try container.decodeListIfPresent(Item.self, forKey: .items)
    }
}

extension ObjectList: Equatable where Item: Equatable {}
