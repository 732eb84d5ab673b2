/// The DNS zone under which previews get their host names, one label each.
public struct ZoneSuffix: Hashable, Sendable, CustomStringConvertible {
    /// The most characters that a zone may have: a DNS name has 253, less one label of 63 and its dot.
    public static let maximumLength = 253 - DNSLabel.maximumLength - 1

    /// The zone in lower case, without a dot at either end.
    public let text: String

    /// Reads a zone from the settings.
    ///
    /// - Parameter text: DNS labels separated by dots, in either case; one label such as `localhost` is enough. An
    ///   address is none: a last label of digits only is refused (RFC 3696, section 2).
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

/// Why a text is not a zone for previews.
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
