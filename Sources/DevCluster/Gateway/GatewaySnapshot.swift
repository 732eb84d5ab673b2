/// The objects that determine the proxy's configuration, at one time.
package struct GatewaySnapshot: Sendable, Hashable {
    package var gateways: [JSONValue]
    package var routes: [JSONValue]
    package var services: [JSONValue]
    package var pods: [JSONValue]

    package init(
        gateways: [JSONValue],
        routes: [JSONValue],
        services: [JSONValue],
        pods: [JSONValue]
    ) {
        self.gateways = gateways
        self.routes = routes
        self.services = services
        self.pods = pods
    }
}
