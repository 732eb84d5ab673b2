/// A list of objects, or one page of it (`metav1.List`).
public struct ObjectList<Item: Sendable>: Sendable {
    public var metadata: ListMeta
    /// The objects; a JSON `null` decodes as an empty list.
    public var items: [Item]

    public init(metadata: ListMeta = ListMeta(), items: [Item]) {
        self.metadata = metadata
        self.items = items
    }
}

/// The metadata of a list (`metav1.ListMeta`).
public struct ListMeta: Hashable, Sendable {
    /// The version of the list. A watch from this version reports every later change.
    public var resourceVersion: String
    /// The token for the next page; `nil` on the last page.
    public var continueToken: String?

    public init(resourceVersion: String = "", continueToken: String? = nil) {
        self.resourceVersion = resourceVersion
        self.continueToken = continueToken
    }
}

extension ListMeta: JSONReadable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case resourceVersion
        case continueToken = "continue"
    }

    private static let members = JSONMembers<CodingKeys>()

    public init(reading json: inout JSONReader) throws {
        self.init()
        try json.object(Self.members) { member, json in
            switch member {
            case .resourceVersion: resourceVersion = try json.ifPresent { try $0.string() } ?? ""
            case .continueToken:
                let token = try json.ifPresent { try $0.string() }
                continueToken = token?.isEmpty == true ? nil : token
            }
        }
    }
}

extension ObjectList {
    /// Reads a list of objects, and keeps a part of each.
    ///
    /// Only one object at a time is in memory besides the kept parts. Its memory is reused for the next one, which avoids
    /// fragmentation between the kept parts.
    ///
    /// - Parameters:
    ///   - kept: Returns the part that was kept earlier for exactly this version of an object. The object is skipped then.
    ///   - keep: Returns the part to keep; `nil` omits the object.
    /// - Throws: `DecodingError` if the text is malformed or not a list.
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
            guard let metadata else { throw json.failure("the list has no metadata") }
            return ObjectList(metadata: metadata, items: items)
        }
    }
}

extension ObjectList {
    /// Skips the next object if its part was kept earlier; otherwise leaves the position unchanged.
    private static func reused(_ json: inout JSONReader, _ kept: ((ObjectVersion) -> Item?)?) throws -> Item? {
        guard let kept else { return nil }
        let beginning = json
        if let version = try ObjectVersion(skipping: &json), let item = kept(version) { return item }
        json = beginning
        return nil
    }
}

private enum ListMember: CodingKey, CaseIterable {
    case metadata, items

    static let all = JSONMembers<Self>()
}

extension ObjectList: Equatable where Item: Equatable {}
