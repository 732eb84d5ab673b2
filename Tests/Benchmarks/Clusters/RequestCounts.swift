/// The number of requests to an API server, by verb and resource.
struct RequestCounts: Sendable {
    struct Entry: Codable, Sendable {
        let verb: String
        let resource: String
        let count: Int
    }

    let entries: [Entry]

    /// The number of requests except those for Events, which are written in addition and for which nothing waits.
    ///
    /// - Parameters:
    ///   - verb: The verb to count; `nil` counts all.
    ///   - resource: The resource to count; `nil` counts all.
    func count(verb: String? = nil, resource: String? = nil) -> Int {
        entries.filter { entry in
            entry.resource != "events" && (verb == nil || entry.verb == verb)
                && (resource == nil || entry.resource == resource)
        }.map(\.count).reduce(0, +)
    }
}
