/// The rules for the hostnames of listeners and routes (Gateway API, `Hostname` and `HTTPRouteSpec.hostnames`).
package enum HostnameRule {
    private static let maxLength = 253
    private static let maxLabelLength = 63

    /// Whether it is a DNS name in lowercase, whose first label may be `*`.
    package static func isValid(_ hostname: String) -> Bool {
        guard hostname.utf8.count <= maxLength else { return false }
        let labels = hostname.split(separator: ".", omittingEmptySubsequences: false)
        let plain = labels.first == "*" ? labels.dropFirst() : labels[...]
        return !plain.isEmpty && plain.allSatisfy(isLabel)
    }

    /// The hostname that a route serves through a listener: the more specific of the two; `nil` if neither includes the other.
    ///
    /// - Parameters:
    ///   - listener: The listener's hostname; `nil` matches all.
    ///   - route: A hostname of the route; `nil` if the route has none.
    package static func intersection(listener: String?, route: String?) -> String? {
        guard let listener else { return route ?? "*" }
        guard let route else { return listener }
        if covers(listener, route) { return route }
        if covers(route, listener) { return listener }
        return nil
    }

    private static func covers(_ pattern: String, _ name: String) -> Bool {
        if pattern == name { return true }
        guard pattern.hasPrefix("*.") else { return false }
        let suffix = pattern.dropFirst()
        // The wildcard matches one or more labels.
        return name.hasSuffix(suffix) && name.utf8.count > suffix.utf8.count
    }

    private static func isLabel(_ label: Substring) -> Bool {
        let bytes = label.utf8
        guard (1...maxLabelLength).contains(bytes.count), bytes.first != UInt8(ascii: "-") else { return false }
        guard bytes.last != UInt8(ascii: "-") else { return false }
        return bytes.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }
    }
}
