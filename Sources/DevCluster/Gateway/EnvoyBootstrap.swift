/// Envoy's static configuration: the listener, and the files that it watches for the dynamic configuration.
package struct EnvoyBootstrap: Sendable, Hashable {
    /// The prefix of the listener's statistics.
    static let statisticsPrefix = "previews"

    /// The port on 127.0.0.1 for browsers.
    package let port: Int
    /// The port on 127.0.0.1 of Envoy's administration interface.
    package let adminPort: Int
    /// The files that Envoy watches.
    package let clustersFile: String
    package let routesFile: String

    package init(port: Int, adminPort: Int, clustersFile: String, routesFile: String) {
        self.port = port
        self.adminPort = adminPort
        self.clustersFile = clustersFile
        self.routesFile = routesFile
    }

    /// The contents of the file.
    package var bytes: [UInt8] { JSONWriter.bytes(of: document) }

    private var document: JSONValue {
        [
            "node": ["id": "preview-gateway-devcluster", "cluster": "preview-gateway-devcluster"],
            "admin": ["address": Self.address("127.0.0.1", port: adminPort)],
            "dynamic_resources": ["cds_config": Self.watchedFile(clustersFile)],
            "static_resources": ["listeners": [listener]],
        ]
    }

    private var listener: JSONValue {
        [
            "name": "previews",
            "address": Self.address("127.0.0.1", port: port),
            "filter_chains": [["filters": [connectionManager]]],
        ]
    }

    private var connectionManager: JSONValue {
        [
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": [
                "@type":
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": .string(Self.statisticsPrefix),
                "codec_type": "AUTO",
                "use_remote_address": true,
                // The app's `Server` field is passed on.
                "server_header_transformation": "PASS_THROUGH",
                // As in Istio: a WebSocket for hot reload may be idle for hours.
                "stream_idle_timeout": "0s",
                "upgrade_configs": [["upgrade_type": "websocket"]],
                "rds": [
                    "route_config_name": .string(EnvoyResources.routeConfigurationName),
                    "config_source": Self.watchedFile(routesFile),
                ],
                "http_filters": [
                    [
                        "name": "envoy.filters.http.router",
                        "typed_config": ["@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"],
                    ]
                ],
            ],
        ]
    }

    static func watchedFile(_ path: String) -> JSONValue {
        ["resource_api_version": "V3", "path_config_source": ["path": .string(path)]]
    }

    static func address(_ address: String, port: Int) -> JSONValue {
        ["socket_address": ["address": .string(address), "port_value": .int(Int64(port))]]
    }
}
