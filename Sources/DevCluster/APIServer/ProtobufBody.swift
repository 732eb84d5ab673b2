/// Decodes bodies in Kubernetes' protobuf encoding, as `kubectl create namespace` and similar commands send them.
///
/// `kubectl` encodes some built-in kinds in this way; all others are sent as JSON or YAML. The field numbers are those of the
/// `generated.proto` files of k8s.io/api and k8s.io/apimachinery.
struct ProtobufBody {
    static let contentType = "application/vnd.kubernetes.protobuf"

    /// The type of a message's field, with the name of the member that it becomes.
    indirect enum Field: Sendable {
        case text(String)
        case flag(String)
        /// A map of strings.
        case map(String)
        case message(String, [Int: Field])
    }

    private static let metadata = Field.message(
        "metadata",
        [
            1: .text("name"), 2: .text("generateName"), 3: .text("namespace"), 11: .map("labels"),
            12: .map("annotations"),
        ]
    )

    /// The supported kinds, by `apiVersion/kind`.
    private static let kinds: [String: [Int: Field]] = [
        "v1/Namespace": [1: metadata],
        "v1/ConfigMap": [1: metadata, 2: .map("data"), 4: .flag("immutable")],
        "v1/ServiceAccount": [1: metadata],
        "authorization.k8s.io/v1/SelfSubjectAccessReview": [
            1: metadata,
            2: .message(
                "spec",
                [
                    1: .message(
                        "resourceAttributes",
                        [
                            1: .text("namespace"), 2: .text("verb"), 3: .text("group"), 4: .text("version"),
                            5: .text("resource"), 6: .text("subresource"), 7: .text("name"),
                        ]
                    ),
                    2: .message("nonResourceAttributes", [1: .text("path"), 2: .text("verb")]),
                ]
            ),
        ],
    ]

    /// The object in a body; `nil` if its kind is not supported or the body is malformed.
    static func object(in body: [UInt8]) -> JSONValue? {
        let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]
        guard body.starts(with: magic) else { return nil }
        let envelope: [Int: Field] = [1: .message("type", [1: .text("apiVersion"), 2: .text("kind")])]
        var reader = ProtobufBody(bytes: body.dropFirst(magic.count))
        guard let wrapper = reader.message(envelope), let raw = reader.raw,
            let version = wrapper["type", "apiVersion"]?.stringValue, let kind = wrapper["type", "kind"]?.stringValue,
            let fields = kinds["\(version)/\(kind)"]
        else { return nil }
        var contents = ProtobufBody(bytes: raw)
        var object = contents.message(fields)
        object?["apiVersion"] = .string(version)
        object?["kind"] = .string(kind)
        return object
    }

    private var bytes: ArraySlice<UInt8>
    /// The contents of the last field 2 without a description, which is the contents of the envelope.
    private var raw: ArraySlice<UInt8>?

    private init(bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    private mutating func message(_ fields: [Int: Field]) -> JSONValue? {
        var object = JSONValue.object([:])
        while !bytes.isEmpty {
            guard let tag = number() else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = number() else { return nil }
                if case .flag(let name)? = fields[Int(tag >> 3)] { object[name] = .bool(value != 0) }
            case 2:
                guard let length = number(), length <= UInt64(bytes.count) else { return nil }
                let contents = bytes.prefix(Int(length))
                bytes = bytes.dropFirst(Int(length))
                guard read(contents, as: fields[Int(tag >> 3)], number: Int(tag >> 3), into: &object) else {
                    return nil
                }
            case 1: bytes = bytes.dropFirst(8)
            case 5: bytes = bytes.dropFirst(4)
            default: return nil
            }
        }
        return object
    }

    private mutating func read(
        _ contents: ArraySlice<UInt8>,
        as field: Field?,
        number: Int,
        into object: inout JSONValue
    ) -> Bool {
        switch field {
        case .text(let name)?:
            if !contents.isEmpty { object[name] = .string(String(decoding: contents, as: UTF8.self)) }
        case .map(let name)?:
            var entry = ProtobufBody(bytes: contents)
            guard let pair = entry.message([1: .text("key"), 2: .text("value")]) else { return false }
            object[name, pair["key"]?.stringValue ?? ""] = pair["value"] ?? ""
        case .message(let name, let fields)?:
            var nested = ProtobufBody(bytes: contents)
            guard let value = nested.message(fields) else { return false }
            object[name] = value
        case .flag?: return false
        case nil:
            if number == 2 { raw = contents }
        }
        return true
    }

    /// A varint (Protocol Buffers, "Encoding"); `nil` if it is malformed.
    private mutating func number() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
