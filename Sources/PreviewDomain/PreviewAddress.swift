public import Basics

/// The public address of previews: the zone, and the format of URLs.
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

    /// Creates the description of the public address.
    ///
    /// - Parameters:
    ///   - zone: The zone under which every preview has one label.
    ///   - scheme: The scheme of the URLs, `https` in production.
    ///   - port: The port in the URLs, if the gateway does not listen on its scheme's own port.
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

/// The DNS zone under which previews get their host names, one label each.
public struct ZoneSuffix: Hashable, Sendable, CustomStringConvertible {
    /// The most characters that a zone may have: a DNS name has 253, less one label of 63 and its dot.
    public static let maximumLength = 253 - DNSLabel.maximumLength - 1

    /// The zone in lower case, without a dot at either end.
    public let text: String

    /// Reads a zone from the settings.
    ///
    /// - Parameter text: DNS labels separated by dots, in either case; one label such as `localhost` is sufficient. An
    ///   address is not a zone: a last label of digits only is refused (RFC 3696, section 2).
    /// - Throws: `InvalidZoneSuffix`, which says what is wrong.
    public init(_ text: String) throws(InvalidZoneSuffix) {
        guard !text.isEmpty else { throw InvalidZoneSuffix(problem: "the zone is empty") }
        guard text.utf8.count <= Self.maximumLength else {
            throw InvalidZoneSuffix(problem: "the zone \(Excerpt.quoted(text)) is \(text.utf8.count) bytes long")
        }
        let lowercase = text.utf8.map(\.lowercased)
        let labels = lowercase.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy(DNSLabel.isValid), labels.last?.allSatisfy(\.isDigit) == false else {
            throw InvalidZoneSuffix(problem: "the zone \(Excerpt.quoted(text)) is not a DNS name")
        }
        self.text = String(decoding: lowercase, as: UTF8.self)
    }

    /// The zone.
    public var description: String { text }
}

/// The reason why a text is not a zone for previews.
public struct InvalidZoneSuffix: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence: what was wrong and what is expected. Shows at most a bounded, escaped part of the input.
    public let message: String

    init(problem: String) {
        message =
            "\(problem); expected a DNS name of at most \(ZoneSuffix.maximumLength) characters "
            + "such as preview.example.com"
    }

    /// The message.
    public var description: String { message }
}

/// The `Host` that the app behind a preview receives.
public enum HostHeader: String, Hashable, Sendable, CaseIterable {
    /// The public host, or `localhost` if the app refuses the former and accepts the latter.
    case auto
    /// The preview's public host.
    case preserve
    /// `localhost`, with the public host in `X-Forwarded-Host`.
    case localhost
}
