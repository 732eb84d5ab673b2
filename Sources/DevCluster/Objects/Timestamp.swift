package import FoundationEssentials

/// Instants as Kubernetes writes them: RFC 3339, UTC, whole seconds.
package enum Timestamp {
    package static func text(_ date: Date) -> String { date.formatted(.iso8601) }

    /// - Returns: `nil` for text that is no instant.
    package static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}
