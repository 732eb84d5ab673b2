/// The statistics about configuration files in Envoy's administration interface.
package struct EnvoyStatistics: Sendable, Hashable {
    /// The path with the query for the statistics.
    package static let path =
        "/stats?filter=^(cluster|cluster_manager.cds|http.*rds.\(EnvoyResources.routeConfigurationName))"
        + "\\..*(version_text|update_rejected)$"

    /// The state of one file's subscription.
    package struct Subscription: Sendable, Hashable {
        /// The version in use; `nil` before the first one.
        package var version: String?
        /// The number of versions that Envoy has rejected since it started.
        package var rejections = 0
    }

    package private(set) var clusters = Subscription()
    package private(set) var routes = Subscription()
    /// The subscriptions for endpoints, by the clusters' names.
    package private(set) var endpoints: [String: Subscription] = [:]

    /// Parses the page: one `name: value` per line, texts in quotes.
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
