import FoundationEssentials

/// Where the next page of a list begins, opaque to clients.
struct ContinueToken: Sendable, Hashable {
    /// The version that all pages show.
    let resourceVersion: Int
    /// The last object of the page before.
    let last: ObjectKey

    init(resourceVersion: Int, last: ObjectKey) {
        self.resourceVersion = resourceVersion
        self.last = last
    }

    /// - Throws: ``StatusFailure`` with code 400 for a text that is none.
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
