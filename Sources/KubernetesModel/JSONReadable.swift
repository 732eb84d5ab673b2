internal import FoundationEssentials

/// A value that can be read from JSON.
///
/// The objects that come by the thousand, which are those of metadata-only lists and watches, read themselves with a
/// ``JSONReader``. For every other kind it is enough to be `Decodable`.
public protocol JSONReadable: Sendable {
    /// Reads the value that comes next.
    ///
    /// - Throws: `DecodingError` if the text is no JSON or not what was expected. It quotes nothing of it.
    init(reading json: inout JSONReader) throws
}

extension JSONReadable {
    /// Reads a whole document.
    ///
    /// - Throws: As ``init(reading:)``; also if anything but white space follows.
    public init(json bytes: ArraySlice<UInt8>) throws {
        self = try JSONReader.read(bytes) { try Self(reading: &$0) }
    }
}

extension JSONReadable where Self: Decodable {
    public init(reading json: inout JSONReader) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(json.skippedBytes()))
    }
}
