public import Basics

/// Where previews are reached from outside: the zone, and how a URL into it is written.
public struct PreviewAddress: Hashable, Sendable {
    /// The scheme of a preview's URL.
    public enum Scheme: String, Hashable, Sendable, CaseIterable {
        case http
        case https
    }

    /// The zone under which every preview has one label.
    public let zone: ZoneSuffix
    /// The scheme of the URLs.
    public let scheme: Scheme
    /// The port written into the URLs; nil leaves the scheme's own.
    public let port: Int?

    /// Describes where previews are reached.
    ///
    /// - Parameters:
    ///   - zone: The zone under which every preview has one label.
    ///   - scheme: The scheme of the URLs, `https` in production.
    ///   - port: The port to write into the URLs, for a gateway that listens elsewhere than its scheme's own port.
    public init(zone: ZoneSuffix, scheme: Scheme = .https, port: Int? = nil) {
        self.zone = zone
        self.scheme = scheme
        self.port = port
    }

    /// The preview's host name.
    public func host(_ token: PreviewToken) -> Secret { Secret(token.host(zone: zone)) }

    /// The URL that opens the preview, `{scheme}://{token}-preview.{zone}` and `:{port}` when one is set.
    public func previewURL(_ token: PreviewToken) -> Secret {
        let origin = "\(scheme.rawValue)://\(token.host(zone: zone))"
        return Secret(port.map { "\(origin):\($0)" } ?? origin)
    }
}
