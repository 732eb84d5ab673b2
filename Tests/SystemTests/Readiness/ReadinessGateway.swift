import DevelopmentCertificates
import Foundation
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewCluster

/// A real Envoy with a listener for each kind of certificate, and a route for each case.
struct ReadinessGateway: Sendable {
    static let zone = "previews.test"

    /// The authority that the probe trusts.
    let authorityPEM: String
    /// The port on 127.0.0.1 for each kind of certificate.
    let ports: [ReadinessCase.Security: Int]

    /// A case with the token of its preview.
    struct Preview: Sendable {
        let token: PreviewToken
        let scenario: ReadinessCase

        var host: String { "\(token.text)-preview.\(zone)" }
    }

    static func run<Result: Sendable>(
        _ previews: [Preview],
        appPort: Int,
        silentPort: Int,
        endedPagePort: Int,
        _ body: @escaping @Sendable (ReadinessGateway) async throws -> Result
    ) async throws -> Result {
        let (trusted, other) = (try CertificateAuthority(), try CertificateAuthority(commonName: "another authority"))
        let names = ["*.\(zone)"]
        let past = Date(timeIntervalSinceNow: -7200)..<Date(timeIntervalSinceNow: -3600)
        let identities: [ReadinessCase.Security: CertificateAuthority.Identity] = [
            .valid: try trusted.issue(dnsNames: names),
            .expired: try trusted.issue(dnsNames: names, validity: past),
            .wrongName: try trusted.issue(dnsNames: ["*.elsewhere.test"]),
            .untrusted: try other.issue(dnsNames: names),
        ]
        let ports = try Dictionary(
            uniqueKeysWithValues: ReadinessCase.Security.allCases.map {
                ($0, $0 == .silent ? silentPort : try ListenerPorts.free())
            }
        )
        let served = Array(identities.keys) + [.plain]
        let routes = virtualHosts(previews)
        let listeners = served.compactMap { security in
            ports[security].map { listener(port: $0, identity: identities[security], routes: routes) }
        }
        let clusters: [JSONValue] = [
            cluster("app", port: appPort), cluster("ended-page", port: endedPagePort),
            cluster("nobody", port: try ListenerPorts.free()), cluster("empty", port: nil),
        ]
        let gateway = ReadinessGateway(authorityPEM: trusted.certificatePEM, ports: ports)
        return try await StaticEnvoy.run(
            at: served.compactMap { ports[$0] },
            listeners: listeners,
            clusters: clusters
        ) { try await body(gateway) }
    }

    private static func cluster(_ name: String, port: Int?) -> JSONValue {
        let endpoints: [JSONValue] =
            port.map {
                [["lb_endpoints": [["endpoint": ["address": EnvoyBootstrap.address("127.0.0.1", port: $0)]]]]]
            } ?? []
        return [
            "name": .string(name), "type": "STATIC", "connect_timeout": "1s",
            "load_assignment": ["cluster_name": .string(name), "endpoints": .array(endpoints)],
        ]
    }

    private static func listener(port: Int, identity: CertificateAuthority.Identity?, routes: JSONValue) -> JSONValue {
        let settings: JSONValue = [
            // The server name of Istio's gateways.
            "stat_prefix": "previews", "server_name": "istio-envoy", "use_remote_address": true,
            "route_config": [
                "name": "previews", "validate_clusters": false, "ignore_port_in_host_matching": true,
                "virtual_hosts": routes,
            ],
        ]
        return StaticEnvoy.listener(port: port, settings: settings, transportSocket: identity.map(tls))
    }

    private static func tls(_ identity: CertificateAuthority.Identity) -> JSONValue {
        [
            "name": "envoy.transport_sockets.tls",
            "typed_config": [
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": [
                    "alpn_protocols": ["h2", "http/1.1"],
                    "tls_certificates": [
                        [
                            "certificate_chain": ["inline_string": .string(identity.certificatePEM)],
                            "private_key": ["inline_string": .string(identity.privateKeyPEM)],
                        ]
                    ],
                ],
            ],
        ]
    }

    private static func virtualHosts(_ previews: [Preview]) -> JSONValue {
        .array(
            previews.filter { $0.scenario.gateway != .endedPage }.map { preview in
                // Without routes Envoy responds as it does for a host that it does not know.
                let routes = preview.scenario.gateway == .hasNoRoute ? [] : [route(of: preview)]
                return [
                    "name": .string(preview.host), "domains": [.string(preview.host)],
                    "routes": .array(routes.map { .object(Dictionary(uniqueKeysWithValues: $0)) }),
                ]
            } + [
                // The wildcard route; the domains of all others are more specific.
                [
                    "name": "ended-previews", "domains": [.string("*.\(zone)")],
                    "routes": [["match": ["prefix": "/"], "route": to("ended-page")]],
                ]
            ]
        )
    }

    private static func route(of preview: Preview) -> [(String, JSONValue)] {
        let scenario = preview.scenario
        let action: (String, JSONValue) =
            switch scenario.gateway {
            case .serves, .otherProxy, .hasNoRoute, .endedPage:
                ("route", to(scenario.app == .nobody ? "nobody" : "app"))
            case .hasNoService: ("route", to("absent"))
            case .hasNoEndpoint: ("route", to("empty"))
            case .timesOut: ("route", ["cluster": "app", "timeout": "0.2s"])
            case .login, .marked: ("redirect", ["host_redirect": "login.example", "response_code": "FOUND"])
            case .firewall: ("direct_response", ["status": 403, "body": ["inline_string": "blocked by policy"]])
            }
        var route: [(String, JSONValue)] = [("match", ["prefix": "/"]), action]
        if ![.login, .firewall, .otherProxy].contains(scenario.gateway) {
            route.append(
                (
                    "response_headers_to_add",
                    [
                        [
                            "header": [
                                "key": .string(ResponseFields.markName),
                                "value": .string(ResponseFields(preview.token).mark),
                            ],
                            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                        ]
                    ]
                )
            )
        }
        return route
    }

    private static func to(_ cluster: String) -> JSONValue { ["cluster": .string(cluster), "timeout": "0s"] }
}
