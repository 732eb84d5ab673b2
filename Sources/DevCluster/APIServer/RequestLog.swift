import Synchronization

/// Counts the requests that the API server got, so that tests and demonstrations can tell what a client costs.
package final class RequestLog: Sendable {
    /// What is counted together.
    package struct Entry: Sendable, Hashable {
        /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or the HTTP method for what
        /// concerns no resource.
        package let verb: String
        /// The resource's plural with its subresource (`pods/status`), or the path where there is none.
        package let resource: String
        /// The user's name; empty where it is unknown.
        package let user: String
    }

    /// The most different entries kept; requests beyond are counted under the resource `other`.
    package static let maxEntries = 1024

    private let counts = Mutex<[Entry: Int]>([:])

    package init() {}

    func record(_ entry: Entry) {
        counts.withLock { counts in
            let isKnown = counts[entry] != nil || counts.count < Self.maxEntries
            counts[isKnown ? entry : Entry(verb: entry.verb, resource: "other", user: ""), default: 0] += 1
        }
    }

    /// Every count so far.
    package var entries: [Entry: Int] { counts.withLock { $0 } }

    /// The number of requests; `nil` stands for any.
    package func count(verb: String? = nil, resource: String? = nil, user: String? = nil) -> Int {
        entries.reduce(0) { sum, item in
            let matches =
                (verb == nil || item.key.verb == verb) && (resource == nil || item.key.resource == resource)
                && (user == nil || item.key.user == user)
            return matches ? sum + item.value : sum
        }
    }

    /// Starts again at zero.
    package func reset() { counts.withLock { $0.removeAll() } }
}
