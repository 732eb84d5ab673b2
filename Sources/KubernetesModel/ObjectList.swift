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
public struct ListMeta: Hashable, Sendable {
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
}

extension ListMeta: JSONReadable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case resourceVersion, remainingItemCount
        case continueToken = "continue"
    }

    private static let members = JSONMembers<CodingKeys>()

    public init(reading json: inout JSONReader) throws {
        self.init()
        try json.object(Self.members) { member, json in
            switch member {
            case .resourceVersion: resourceVersion = try json.ifPresent { try $0.string() } ?? ""
            case .remainingItemCount: remainingItemCount = try json.ifPresent { try $0.integer() }
            case .continueToken:
                let token = try json.ifPresent { try $0.string() }
                continueToken = token?.isEmpty == true ? nil : token
            }
        }
    }
}

extension ObjectList {
    /// Reads a list of objects, and keeps of each only a part.
    ///
    /// No more than one object is in memory beside what is kept: what an object takes is used again for the next one,
    /// instead of being scattered between what is kept.
    ///
    /// - Parameters:
    ///   - kept: Returns what was kept before of exactly this state of an object, which then is only passed over.
    ///   - keep: Makes that part; `nil` leaves the object out.
    /// - Throws: `DecodingError` if the text is no JSON or no list.
    public init<Object: JSONReadable>(
        json bytes: ArraySlice<UInt8>,
        reusing kept: ((ObjectVersion) -> Item?)? = nil,
        keeping keep: (Object) -> Item?
    ) throws {
        self = try JSONReader.read(bytes) { json in
            var metadata: ListMeta?
            var items: [Item] = []
            try json.object(ListMember.all) { member, json in
                switch member {
                case .metadata: metadata = try ListMeta(reading: &json)
                case .items:
                    _ = try json.ifPresent { json in
                        try json.forEachElement { json in
                            if let item = try Self.reused(&json, kept) ?? keep(try Object(reading: &json)) {
                                items.append(item)
                            }
                        }
                    }
                }
            }
            guard let metadata else { throw json.failure("a list without metadata") }
            return ObjectList(metadata: metadata, items: items)
        }
    }
}

extension ObjectList {
    /// Passes over the object that comes next if it was kept before; otherwise it still comes next.
    private static func reused(_ json: inout JSONReader, _ kept: ((ObjectVersion) -> Item?)?) throws -> Item? {
        guard let kept else { return nil }
        let beginning = json
        if let version = try ObjectVersion(passingOver: &json), let item = kept(version) { return item }
        json = beginning
        return nil
    }
}

private enum ListMember: CodingKey, CaseIterable {
    case metadata, items

    static let all = JSONMembers<Self>()
}

extension ObjectList: Equatable where Item: Equatable {}
