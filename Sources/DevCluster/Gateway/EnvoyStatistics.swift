/// What Envoy says about its files on its administration page.
package struct EnvoyStatistics: Sendable, Hashable {
    /// The statistics to ask for, as a query of `/stats`.
    package static let path =
        "/stats?filter=(cluster_manager.cds|rds.\(EnvoyResources.routeConfigurationName))"
        + "\\.(version_text|update_rejected)$"

    /// How Envoy takes one file.
    package struct Subscription: Sendable, Hashable {
        /// The version in use; `nil` before the first.
        package var version: String?
        /// How many versions Envoy has refused since it started.
        package var rejections = 0
    }

    package private(set) var clusters = Subscription()
    package private(set) var routes = Subscription()

    /// Reads the page: one `name: value` a line, texts in quotes.
    package init(page: String) {
        for line in page.split(separator: "\n") {
            guard let colon = line.firstRange(of: ": ") else { continue }
            let name = line[..<colon.lowerBound]
            let value = line[colon.upperBound...].trimmingPrefix("\"")
            if name.hasSuffix("cds.version_text") {
                clusters.version = Self.version(value)
            } else if name.hasSuffix("cds.update_rejected") {
                clusters.rejections = Int(value) ?? 0
            } else if name.hasSuffix("rds.\(EnvoyResources.routeConfigurationName).version_text") {
                routes.version = Self.version(value)
            } else if name.hasSuffix("rds.\(EnvoyResources.routeConfigurationName).update_rejected") {
                routes.rejections = Int(value) ?? 0
            }
        }
    }

    private static func version(_ quoted: Substring) -> String? {
        let text = quoted.last == "\"" ? quoted.dropLast() : quoted
        return text.isEmpty ? nil : String(text)
    }
}
