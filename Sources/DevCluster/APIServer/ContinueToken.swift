import FoundationEssentials

/// The start of the next page of a list. Opaque to clients.
struct ContinueToken: Sendable, Hashable {
    /// The resourceVersion of all pages.
    let resourceVersion: Int
    /// The last object of the previous page.
    let last: ObjectKey

    init(resourceVersion: Int, last: ObjectKey) {
        self.resourceVersion = resourceVersion
        self.last = last
    }

    /// - Throws: ``StatusFailure`` with code 400 if the text is not a token.
    init(_ text: String) throws {
        guard let data = Data(base64Encoded: text), let value = try? JSONParser.value(of: Array(data)),
            let revision = value["rv"]?.intValue, let namespace = value["namespace"]?.stringValue,
            let name = value["name"]?.stringValue
        else { throw StatusFailure.badRequest("continue key is not valid") }
        self.init(resourceVersion: revision, last: ObjectKey(namespace: namespace, name: name))
    }

    var text: String {
        let value: JSONValue = [
            "rv": .int(Int64(resourceVersion)), "namespace": .string(last.namespace), "name": .string(last.name),
        ]
        return Data(JSONWriter.bytes(of: value)).base64EncodedString()
    }
}
