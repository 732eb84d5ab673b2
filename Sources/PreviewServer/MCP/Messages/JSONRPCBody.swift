internal import Basics
internal import PreviewDomain

/// The body of a request: one message, or several where the protocol's revision has batches.
enum JSONRPCBody: Hashable, Sendable {
    case single(JSONRPCMessage)
    case batch([JSONRPCMessage])

    /// The most messages in a batch. No client is known to send one; each message may start a preview.
    static let maxBatch = 16

    /// Reads any bytes.
    init(_ bytes: some Collection<UInt8>) {
        if case .array(let values) = JSONValue(parsing: bytes), !values.isEmpty {
            self = .batch(values.map { JSONRPCMessage($0) })
        } else {
            self = .single(JSONRPCMessage(bytes))
        }
    }

    var messages: [JSONRPCMessage] {
        switch self {
        case .single(let message): [message]
        case .batch(let messages): messages
        }
    }
}

extension JSONRPCMessage {
    /// The run that a call of a tool names, if it names one.
    var run: RunID? {
        guard case .request(let request) = self, request.method == "tools/call",
            let text = request.params["arguments"]?.objectValue?[ArgumentName.run]?.stringValue
        else { return nil }
        return try? RunID(text)
    }
}
