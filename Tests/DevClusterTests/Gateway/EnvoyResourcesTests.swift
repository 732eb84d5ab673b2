import Testing

@testable import DevCluster

@Suite("Envoy's configuration")
struct EnvoyResourcesTests {
    private func json(_ file: EnvoyResources.File) throws -> JSONValue { try JSONParser.value(of: file.bytes) }

    @Test func equalClustersGiveEqualBytesInWhateverOrderTheyAreListed() {
        let routes = (0..<20).map { GatewayObjects.route("preview-\($0)", hostname: "h\($0).localhost") }
        let pods = (1...20).map { GatewayObjects.pod("pod-\($0)", address: "127.64.0.\($0)") }
        let forward = EnvoyResources(plan: GatewayObjects.plan(routes: routes, pods: pods))
        let backward = EnvoyResources(plan: GatewayObjects.plan(routes: routes.reversed(), pods: pods.reversed()))
        #expect(forward == backward)
    }

    @Test func anEndpointChangesTheClustersAndNotTheRoutes() {
        let before = EnvoyResources(plan: GatewayObjects.plan())
        let after = EnvoyResources(plan: GatewayObjects.plan(pods: [GatewayObjects.pod(address: "127.64.0.2")]))
        #expect(before.clusters.version != after.clusters.version)
        #expect(before.routes == after.routes)
    }

    @Test func anUnresolvedBackendIsAnsweredWith500() throws {
        let resources = EnvoyResources(plan: GatewayObjects.plan(services: []))
        let routes = try json(resources.routes)["resources"]?[0]
        let route = routes?["virtual_hosts"]?[0]?["routes"]?[0]
        #expect(route?["direct_response", "status"] == 500)
        #expect(route?["route"] == nil)
    }

    @Test func hostsWithAPortAreServedAndResponsesMayBeEndless() throws {
        let resources = EnvoyResources(plan: GatewayObjects.plan())
        let routes = try json(resources.routes)["resources"]?[0]
        #expect(routes?["ignore_port_in_host_matching"] == true)
        #expect(routes?["virtual_hosts"]?[0]?["domains"] == ["a.localhost"])
        #expect(routes?["virtual_hosts"]?[0]?["routes"]?[0]?["route", "timeout"] == "0s")
    }

    @Test(arguments: ["\"}],\"admin\":{", "a\u{0}b", "line\nbreak", "\\", "😀", "{{x}}"])
    func aHostilePathStaysAPath(text: String) throws {
        let route = GatewayObjects.route {
            $0["spec", "rules"] = [["matches": [["path": ["type": "Exact", "value": .string("/" + text)]]]]]
        }
        let resources = EnvoyResources(plan: GatewayObjects.plan(routes: [route]))
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
