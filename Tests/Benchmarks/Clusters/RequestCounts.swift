/// How often an API server was asked for what.
struct RequestCounts: Sendable {
    struct Entry: Codable, Sendable {
        let verb: String
        let resource: String
        let count: Int
    }

    let entries: [Entry]

    /// The number of requests, Events apart: they are written beside what they tell of, and nothing waits for them.
    ///
    /// - Parameters:
    ///   - verb: Only these; `nil` stands for any.
    ///   - resource: Only these; `nil` stands for any.
    func count(verb: String? = nil, resource: String? = nil) -> Int {
        entries.filter { entry in
            entry.resource != "events" && (verb == nil || entry.verb == verb)
                && (resource == nil || entry.resource == resource)
        }.map(\.count).reduce(0, +)
    }
}
