/// What the proxy is to serve, and what each route is told about it.
///
/// Every list is sorted, so that equal clusters give equal plans.
package struct GatewayPlan: Sendable, Hashable {
    /// One hostname and its paths, the first match wins.
    package struct VirtualHost: Sendable, Hashable {
        /// A hostname, `*.` and a suffix, or `*`.
        package var hostname: String
        package var entries: [Entry]
    }

    /// One path of a virtual host.
    package struct Entry: Sendable, Hashable {
        package var path: PathMatch
        /// The cluster to send to; `nil` when the route's backend cannot be resolved, which Gateway API answers
        /// with status 500.
        package var cluster: String?
        /// The longest time from a request's end to its answer's end; none if `nil`.
        package var requestTimeout: GatewayDuration?
        /// Fields that are set in each request, by name.
        package var requestHeaders: [Header] = []
        /// Fields that are set in each answer, by name.
        package var responseHeaders: [Header] = []
        /// The host that the backend sees; the client's if `nil`.
        package var host: String?
    }

    /// A header field.
    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    /// Which paths an entry takes (Gateway API, `HTTPPathMatch`).
    package enum PathMatch: Sendable, Hashable {
        case exact(String)
        case prefix(String)
    }

    /// The endpoints behind one port of a Service.
    package struct Cluster: Sendable, Hashable {
        /// Namespace, Service and port, joined by `/`.
        package var name: String
        package var endpoints: [Endpoint]
        /// Whether its endpoints are spoken to by HTTP/2 without TLS.
        package var isHTTP2 = false
    }

    /// A pod's address and the port that its process listens at.
    package struct Endpoint: Sendable, Hashable, Comparable {
        package var address: String
        package var port: Int

        package static func < (left: Endpoint, right: Endpoint) -> Bool {
            (left.address, left.port) < (right.address, right.port)
        }
    }

    /// What one route is told about one of its parents.
    package struct Verdict: Sendable, Hashable {
        /// The `parentRef` as the route states it.
        package var parentReference: JSONValue
        package var accepted: Decision
        package var resolvedReferences: Decision
    }

    /// Status, reason and message of a condition.
    package struct Decision: Sendable, Hashable {
        package var isTrue: Bool
        /// A reason of Gateway API, in CamelCase.
        package var reason: String
        package var message: String

        package init(_ isTrue: Bool, _ reason: String, _ message: String) {
            self.isTrue = isTrue
            self.reason = reason
            self.message = message
        }
    }

    /// The routes that a listener serves.
    package struct Listener: Sendable, Hashable {
        package var name: String
        package var attachedRoutes: Int
        package var accepted: Decision
    }

    package var virtualHosts: [VirtualHost] = []
    /// One for each port of each Service.
    package var clusters: [Cluster] = []
    /// By namespace and name of the route, joined by `/`. Routes with no parent of ours are missing.
    package var verdicts: [String: [Verdict]] = [:]
    /// By namespace and name of the Gateway, joined by `/`.
    package var listeners: [String: [Listener]] = [:]
}
