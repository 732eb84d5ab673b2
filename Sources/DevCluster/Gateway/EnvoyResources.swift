import Crypto

/// Envoy's dynamic configuration for a plan, as the files of a filesystem subscription hold it.
///
/// Equal plans give equal bytes.
package struct EnvoyResources: Sendable, Hashable {
    /// The route configuration's name, which the listener asks for.
    package static let routeConfigurationName = "previews"

    /// One file: a `DiscoveryResponse` in JSON.
    package struct File: Sendable, Hashable {
        /// A digest of the content. Envoy reports it once it has taken the file.
        package let version: String
        package let bytes: [UInt8]

        init(resources: [JSONValue]) {
            let digest = SHA256.hash(data: JSONWriter.bytes(of: .array(resources)))
            version = digest.prefix(8).map { byte in
                let text = String(byte, radix: 16)
                return text.count == 1 ? "0" + text : text
            }.joined()
            bytes = JSONWriter.bytes(of: ["version_info": .string(version), "resources": .array(resources)])
        }
    }

    /// The clusters with their endpoints (CDS).
    package let clusters: File
    /// The virtual hosts (RDS).
    package let routes: File

    package init(plan: GatewayPlan) {
        clusters = File(resources: plan.clusters.map(Self.cluster))
        routes = File(resources: [
            [
                "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
                "name": .string(Self.routeConfigurationName),
                // A browser sends the port in Host unless it is 80.
                "ignore_port_in_host_matching": true,
                "virtual_hosts": .array(plan.virtualHosts.map(Self.virtualHost)),
            ]
        ])
    }

    private static func cluster(_ cluster: GatewayPlan.Cluster) -> JSONValue {
        let endpoints = cluster.endpoints.map { endpoint -> JSONValue in
            ["endpoint": ["address": EnvoyBootstrap.address(endpoint.address, port: endpoint.port)]]
        }
        return [
            "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            "name": .string(cluster.name),
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": [
                "cluster_name": .string(cluster.name),
                "endpoints": [["lb_endpoints": .array(endpoints)]],
            ],
        ]
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
        // Zero switches Envoy's limit of 15 s for a whole response off: event streams have no end.
        return ["match": match, "route": ["cluster": .string(cluster), "timeout": "0s"]]
    }
}
