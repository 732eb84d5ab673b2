import OpenSSLKit

/// Envoy's dynamic configuration for a plan, as the files of filesystem subscriptions.
///
/// In everything that affects open connections it is like the configuration that Istio generates for its gateways: clusters get
/// their endpoints by EDS, so that an endpoint can be removed without its cluster, and clusters and routes are updated one
/// after the other. Equal plans result in equal bytes.
package struct EnvoyResources: Sendable, Hashable {
    /// The name of the route configuration to which the listener refers.
    package static let routeConfigurationName = "previews"

    /// A file with a `DiscoveryResponse` in JSON.
    package struct File: Sendable, Hashable {
        /// A digest of the contents. Envoy reports it after it has applied the file.
        package let version: String
        package let bytes: [UInt8]

        init(resources: [JSONValue]) {
            version = String(Digest.sha256Hex(JSONWriter.bytes(of: .array(resources))).prefix(16))
            bytes = JSONWriter.bytes(of: ["version_info": .string(version), "resources": .array(resources)])
        }
    }

    /// The endpoints of one cluster (EDS). A file can contain those of only one cluster.
    package struct Endpoints: Sendable, Hashable {
        /// The name of the cluster.
        package let cluster: String
        package let path: String
        package let file: File
    }

    /// The endpoints of all clusters, in the order of the plan.
    package let endpoints: [Endpoints]
    /// The clusters (CDS).
    package let clusters: File
    /// The virtual hosts (RDS).
    package let routes: File

    /// - Parameters:
    ///   - plan: The configuration to serve.
    ///   - folder: The folder for the files with endpoints.
    package init(plan: GatewayPlan, folder: String) {
        endpoints = plan.clusters.map { cluster in
            Endpoints(
                cluster: cluster.name,
                path: Self.path(of: cluster, in: folder),
                file: File(resources: [Self.assignment(cluster)])
            )
        }
        clusters = File(resources: plan.clusters.map { Self.cluster($0, in: folder) })
        routes = File(resources: [
            [
                "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
                "name": .string(Self.routeConfigurationName),
                // A browser sends the port in `Host` unless it is 80.
                "ignore_port_in_host_matching": true,
                "virtual_hosts": .array(plan.virtualHosts.map(Self.virtualHost)),
            ]
        ])
    }

    private static func path(of cluster: GatewayPlan.Cluster, in folder: String) -> String {
        // Names of Kubernetes objects contain no underscores, so the paths are unique.
        "\(folder)/endpoints_\(cluster.name.split(separator: "/").joined(separator: "_")).json"
    }

    private static func assignment(_ cluster: GatewayPlan.Cluster) -> JSONValue {
        let endpoints = cluster.endpoints.map { endpoint -> JSONValue in
            ["endpoint": ["address": EnvoyBootstrap.address(endpoint.address, port: endpoint.port)]]
        }
        return [
            "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": .string(cluster.name),
            "endpoints": endpoints.isEmpty ? [] : [["lb_endpoints": .array(endpoints)]],
        ]
    }

    private static func cluster(_ cluster: GatewayPlan.Cluster, in folder: String) -> JSONValue {
        var resource: JSONValue = [
            "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            "name": .string(cluster.name),
            "type": "EDS",
            "connect_timeout": "1s",
            "eds_cluster_config": ["eds_config": EnvoyBootstrap.watchedFile(path(of: cluster, in: folder))],
        ]
        if cluster.isHTTP2 {
            resource["typed_extension_protocol_options"] = [
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": [
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": ["http2_protocol_options": [:]],
                ]
            ]
        }
        return resource
    }

    private static func virtualHost(_ host: GatewayPlan.VirtualHost) -> JSONValue {
        [
            "name": .string(host.hostname),
            "domains": [.string(host.hostname)],
            "routes": .array(host.entries.map(route)),
        ]
    }

    private static func route(_ entry: GatewayPlan.Entry) -> JSONValue {
        let match: JSONValue =
            switch entry.path {
            case .exact(let path): ["path": .string(path)]
            case .prefix("/"): ["prefix": "/"]
            case .prefix(let path): ["path_separated_prefix": .string(path)]
            }
        guard let cluster = entry.cluster else {
            return ["match": match, "direct_response": ["status": 500]]
        }
        var route: JSONValue = [
            "match": match,
            "route": [
                "cluster": .string(cluster),
                // Zero disables Envoy's default limit of 15 s for a response, because event streams have no end.
                "timeout": .string(entry.requestTimeout?.protobufText ?? "0s"),
                // For the time between the removal of a cluster and that of its route. Envoy's default is 503.
                "cluster_not_found_response_code": "INTERNAL_SERVER_ERROR",
            ],
        ]
        if let host = entry.host { route["route", "host_rewrite_literal"] = .string(host) }
        if !entry.requestHeaders.isEmpty {
            route["request_headers_to_add"] = Self.setting(entry.requestHeaders)
        }
        if !entry.responseHeaders.isEmpty {
            route["response_headers_to_add"] = Self.setting(entry.responseHeaders)
        }
        return route
    }

    private static func setting(_ headers: [GatewayPlan.Header]) -> JSONValue {
        .array(
            headers.map { header in
                [
                    "header": ["key": .string(header.name), "value": .string(header.value)],
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                ]
            }
        )
    }
}
