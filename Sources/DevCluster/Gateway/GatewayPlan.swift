/// The configuration of the proxy, and the status of the routes and listeners.
///
/// All lists are sorted, so that equal clusters result in equal plans.
package struct GatewayPlan: Sendable, Hashable {
    /// A hostname with its paths; the first matching path is used.
    package struct VirtualHost: Sendable, Hashable {
        /// A hostname, `*.` with a suffix, or `*`.
        package var hostname: String
        package var entries: [Entry]
    }

    /// A path of a virtual host.
    package struct Entry: Sendable, Hashable {
        package var path: PathMatch
        /// The cluster that receives the requests; `nil` if the route's backend cannot be resolved. The Gateway API requires
        /// status 500 then.
        package var cluster: String?
        /// The longest time from the end of a request to the end of its response; no limit if `nil`.
        package var requestTimeout: GatewayDuration?
        /// Fields that are set in every request.
        package var requestHeaders: [Header] = []
        /// Fields that are set in every response.
        package var responseHeaders: [Header] = []
        /// The host that is sent to the backend; the client's if `nil`.
        package var host: String?
    }

    /// A header field.
    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    /// The paths that an entry matches (Gateway API, `HTTPPathMatch`).
    package enum PathMatch: Sendable, Hashable {
        case exact(String)
        case prefix(String)
    }

    /// The endpoints of one port of a Service.
    package struct Cluster: Sendable, Hashable {
        /// The namespace, the Service and the port, joined by `/`.
        package var name: String
        package var endpoints: [Endpoint]
        /// Whether the endpoints use HTTP/2 without TLS.
        package var isHTTP2 = false
    }

    /// The address of a pod and the target port.
    package struct Endpoint: Sendable, Hashable, Comparable {
        package var address: String
        package var port: Int

        package static func < (left: Endpoint, right: Endpoint) -> Bool {
            (left.address, left.port) < (right.address, right.port)
        }
    }

    /// The status of one route for one of its parents.
    package struct ParentStatus: Sendable, Hashable {
        /// The `parentRef` as in the route.
        package var parentReference: JSONValue
        package var accepted: ConditionState
        package var resolvedReferences: ConditionState
    }

    /// The status, the reason and the message of a condition.
    package struct ConditionState: Sendable, Hashable {
        package var isTrue: Bool
        /// A reason of the Gateway API, in CamelCase.
        package var reason: String
        package var message: String

        package init(_ isTrue: Bool, _ reason: String, _ message: String) {
            self.isTrue = isTrue
            self.reason = reason
            self.message = message
        }
    }

    /// The status of a listener.
    package struct Listener: Sendable, Hashable {
        package var name: String
        package var attachedRoutes: Int
        package var accepted: ConditionState
    }

    package var virtualHosts: [VirtualHost] = []
    /// One cluster for each port of each Service.
    package var clusters: [Cluster] = []
    /// The statuses of the parents by the route's namespace and name, joined by `/`. Routes without a parent of this controller are missing.
    package var parentStatuses: [String: [ParentStatus]] = [:]
    /// The listeners by the Gateway's namespace and name, joined by `/`.
    package var listeners: [String: [Listener]] = [:]
}
