internal import HTTPTypes

/// The fields that belong to one connection and not to the message (RFC 9110 section 7.6.1).
enum HopByHop {
    private static let names: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
    ]

    /// What a `Connection` field cannot take away: without these fields the message would mean something else to its
    /// recipient than to whoever sent it.
    private static let protected: Set<String> = [
        "authorization", "content-encoding", "content-length", "content-range", "content-type", "cookie", "host",
        "set-cookie",
    ]

    /// The fields of `fields` that are for the recipient, in their order.
    static func removed(from fields: HTTPFields) -> HTTPFields {
        let nominated = options(of: fields)
        var rest = HTTPFields()
        rest.reserveCapacity(fields.count + 4)
        for field in fields {
            let name = field.name.canonicalName
            guard !names.contains(name), !nominated.contains(name) || protected.contains(name) else { continue }
            rest.append(field)
        }
        return rest
    }

    /// The options of the `Connection` fields, in lower case.
    static func options(of fields: HTTPFields) -> Set<String> {
        list(fields[values: .connection])
    }

    /// Whether the sender takes trailers (RFC 9110 section 10.1.4).
    static func takesTrailers(_ fields: HTTPFields) -> Bool {
        list(fields[values: .te]).contains("trailers")
    }

    private static func list(_ values: [String]) -> Set<String> {
        var elements: Set<String> = []
        for value in values {
            for element in value.split(separator: ",") {
                let name = element.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
                if !name.isEmpty { elements.insert(name.lowercased()) }
            }
        }
        return elements
    }
}
