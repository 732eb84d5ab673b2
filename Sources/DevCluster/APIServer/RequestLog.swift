import Synchronization

/// Counts the requests that the API server received, so that tests and demonstrations can measure a client's requests.
package final class RequestLog: Sendable {
    /// The properties by which requests are counted.
    package struct Entry: Sendable, Hashable {
        /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or the HTTP method if the request
        /// concerns no resource.
        package let verb: String
        /// The resource's plural with its subresource (`pods/status`), or the path.
        package let resource: String
        /// The user's name; empty if the token is unknown.
        package let user: String
    }

    /// The maximum number of entries. Further requests are counted under the resource `other`.
    package static let maxEntries = 1024

    private let counts = Mutex<[Entry: Int]>([:])

    package init() {}

    func record(_ entry: Entry) {
        counts.withLock { counts in
            let isKnown = counts[entry] != nil || counts.count < Self.maxEntries
            counts[isKnown ? entry : Entry(verb: entry.verb, resource: "other", user: ""), default: 0] += 1
        }
    }

    /// All counts.
    package var entries: [Entry: Int] { counts.withLock { $0 } }

    /// The number of requests; a parameter that is `nil` matches all values.
    package func count(verb: String? = nil, resource: String? = nil, user: String? = nil) -> Int {
        entries.reduce(0) { sum, item in
            let matches =
                (verb == nil || item.key.verb == verb) && (resource == nil || item.key.resource == resource)
                && (user == nil || item.key.user == user)
            return matches ? sum + item.value : sum
        }
    }

    /// Removes all counts.
    package func reset() { counts.withLock { $0.removeAll() } }
}
