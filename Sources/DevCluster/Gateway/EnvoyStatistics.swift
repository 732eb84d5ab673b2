/// What Envoy says about its files on its administration page.
package struct EnvoyStatistics: Sendable, Hashable {
    /// The statistics to ask for, as a query of `/stats`.
    package static let path =
        "/stats?filter=^(cluster|cluster_manager.cds|http.*rds.\(EnvoyResources.routeConfigurationName))"
        + "\\..*(version_text|update_rejected)$"

    /// How Envoy takes one file.
    package struct Subscription: Sendable, Hashable {
        /// The version in use; `nil` before the first.
        package var version: String?
        /// How many versions Envoy has refused since it started.
        package var rejections = 0
    }

    package private(set) var clusters = Subscription()
    package private(set) var routes = Subscription()
    /// Of the endpoints, by the cluster's name.
    package private(set) var endpoints: [String: Subscription] = [:]

    /// Reads the page: one `name: value` a line, texts in quotes.
    package init(page: String) {
        for line in page.split(separator: "\n") {
            guard let colon = line.firstRange(of: ": ") else { continue }
            let name = line[..<colon.lowerBound]
            let value = line[colon.upperBound...].trimmingPrefix("\"")
            if name.hasSuffix(".version_text") {
                change(name.dropLast(".version_text".count)) { $0.version = Self.version(value) }
            } else if name.hasSuffix(".update_rejected") {
                change(name.dropLast(".update_rejected".count)) { $0.rejections = Int(value) ?? 0 }
            }
        }
    }

    private mutating func change(_ name: Substring, _ change: (inout Subscription) -> Void) {
        if name == "cluster_manager.cds" {
            change(&clusters)
        } else if name.hasSuffix("rds.\(EnvoyResources.routeConfigurationName)") {
            change(&routes)
        } else if name.hasPrefix("cluster.") {
            change(&endpoints[String(name.dropFirst("cluster.".count)), default: Subscription()])
        }
    }

    private static func version(_ quoted: Substring) -> String? {
        let text = quoted.last == "\"" ? quoted.dropLast() : quoted
        return text.isEmpty ? nil : String(text)
    }
}
