import Testing

@testable import DevCluster

@Suite("Envoy's configuration", .timeLimit(.minutes(10)))
struct EnvoyResourcesTests {
    private func json(_ file: EnvoyResources.File) throws -> JSONValue { try JSONParser.value(of: file.bytes) }

    private func resources(_ plan: GatewayPlan) -> EnvoyResources { EnvoyResources(plan: plan, folder: "/files") }

    @Test func equalClustersGiveEqualBytesInWhateverOrderTheyAreListed() {
        let routes = (0..<20).map { GatewayObjects.route("preview-\($0)", hostname: "h\($0).localhost") }
        let pods = (1...20).map { GatewayObjects.pod("pod-\($0)", address: "127.64.0.\($0)") }
        let forward = resources(GatewayObjects.plan(routes: routes, pods: pods))
        let backward = resources(GatewayObjects.plan(routes: routes.reversed(), pods: pods.reversed()))
        #expect(forward == backward)
    }

    @Test func anEndpointChangesNeitherItsClusterNorTheRoutes() {
        let before = resources(GatewayObjects.plan())
        let after = resources(GatewayObjects.plan(pods: [GatewayObjects.pod(address: "127.64.0.2")]))
        #expect(before.endpoints.map(\.file.version) != after.endpoints.map(\.file.version))
        #expect(before.clusters == after.clusters)
        #expect(before.routes == after.routes)
    }

    @Test func anUnresolvedBackendIsAnsweredWith500() throws {
        let resources = resources(GatewayObjects.plan(services: []))
        let routes = try json(resources.routes)["resources"]?[0]
        let route = routes?["virtual_hosts"]?[0]?["routes"]?[0]
        #expect(route?["direct_response", "status"] == 500)
        #expect(route?["route"] == nil)
    }

    @Test func hostsWithAPortAreServedAndResponsesMayBeEndless() throws {
        let resources = resources(GatewayObjects.plan())
        let routes = try json(resources.routes)["resources"]?[0]
        #expect(routes?["ignore_port_in_host_matching"] == true)
        #expect(routes?["virtual_hosts"]?[0]?["domains"] == ["a.localhost"])
        #expect(routes?["virtual_hosts"]?[0]?["routes"]?[0]?["route", "timeout"] == "0s")
    }

    @Test func aRoutesLimitsReachEnvoy() throws {
        let route = GatewayObjects.route { $0["spec", "rules"] = [GatewayObjects.limitedRule(timeout: "1h500ms")] }
        let file = resources(GatewayObjects.plan(routes: [route])).routes
        let entry = try json(file)["resources"]?[0]?["virtual_hosts"]?[0]?["routes"]?[0]
        #expect(entry?["route", "timeout"] == "3600.500s")
        #expect(
            entry?["request_headers_to_add"] == [
                ["header": ["key": "x-limit", "value": "1"], "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"]
            ]
        )
    }

    @Test func aClusterTakesItsEndpointsFromAFileOfItsOwn() throws {
        let resources = resources(GatewayObjects.plan())
        let endpoints = try #require(resources.endpoints.first)
        let cluster = try json(resources.clusters)["resources"]?[0]
        #expect(cluster?["type"] == "EDS")
        #expect(
            cluster?["eds_cluster_config", "eds_config", "path_config_source", "path"]
                == .string("/files/endpoints_agentweaver_preview-a_80.json")
        )
        #expect(endpoints.path == "/files/endpoints_agentweaver_preview-a_80.json")
        #expect(try json(endpoints.file)["resources"]?[0]?["cluster_name"] == .string(endpoints.cluster))
    }

    @Test(arguments: ["\"}],\"admin\":{", "a\u{0}b", "line\nbreak", "\\", "😀", "{{x}}"])
    func aHostilePathStaysAPath(text: String) throws {
        let route = GatewayObjects.route {
            $0["spec", "rules"] = [["matches": [["path": ["type": "Exact", "value": .string("/" + text)]]]]]
        }
        let resources = resources(GatewayObjects.plan(routes: [route]))
        let match = try json(resources.routes)["resources"]?[0]?["virtual_hosts"]?[0]?["routes"]?[0]?["match"]
        #expect(match == ["path": .string("/" + text)])
    }

    @Test func webSocketsAreLetThroughAndNothingListensBeyondLoopback() throws {
        let bootstrap = EnvoyBootstrap(port: 8088, adminPort: 9901, clustersFile: "/c.json", routesFile: "/r.json")
        let document = try JSONParser.value(of: bootstrap.bytes)
        let listener = document["static_resources", "listeners"]?[0]
        let manager = listener?["filter_chains"]?[0]?["filters"]?[0]?["typed_config"]
        #expect(manager?["upgrade_configs"] == [["upgrade_type": "websocket"]])
        #expect(listener?["address", "socket_address", "address"] == "127.0.0.1")
        #expect(document["admin", "address", "socket_address", "address"] == "127.0.0.1")
    }
}
