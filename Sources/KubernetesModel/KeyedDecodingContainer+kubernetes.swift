import Basics
import FoundationEssentials

extension KeyedDecodingContainer {
    /// Decodes a list that the server may leave out or send as JSON `null`; both mean empty.
    func decodeListIfPresent<Item: Decodable>(_ type: Item.Type, forKey key: Key) throws -> [Item] {
        try decodeIfPresent([Item].self, forKey: key) ?? []
    }

    /// Decodes a `metav1.Time` or `metav1.MicroTime` that may be absent or JSON `null`.
    func decodeTimeIfPresent(forKey key: Key) throws -> Date? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let date = RFC3339.date(text) else {
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "not an RFC 3339 time")
        }
        return date
    }
}
