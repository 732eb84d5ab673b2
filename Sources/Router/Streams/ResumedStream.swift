public import HTTPTypes

/// The event stream of a run whose reader connects again with `Last-Event-ID` (WHATWG HTML, "Server-sent events").
///
/// The platform's core API sends the head of its response together with the first event after that ID. While the run
/// waits, that takes minutes, in which the reader would not get this service's events either. So the core API is asked
/// for the reader's last event once more, which it can send at once, and the event is removed here.
public struct ResumedStream: Hashable, Sendable {
    /// The number of the reader's last event. The core API reads numbers of this size.
    private let lastEvent: Int32
    /// The number of bytes of ``firstLine`` that have arrived.
    private var arrived = 0
    private var boundary = EventBoundary()
    /// True once nothing more is removed.
    public private(set) var isOver = false

    /// - Returns: `nil` if the request does not have the number of an event: it is forwarded unchanged.
    public init?(_ request: HTTPRequest) {
        guard let number = request.headerFields[.lastEventID].flatMap({ Int32($0) }), number > 0 else { return nil }
        lastEvent = number
    }

    /// The request for the reader's last event and those after it.
    public func request(instead request: HTTPRequest) -> HTTPRequest {
        var request = request
        request.headerFields[.lastEventID] = "\(lastEvent - 1)"
        return request
    }

    /// Removes the reader's last event, if the stream begins with it.
    ///
    /// - Parameter chunk: The next bytes of the stream.
    /// - Returns: The bytes for the reader.
    public mutating func removeLastEvent(from chunk: [UInt8]) -> [UInt8] {
        guard !isOver else { return chunk }
        let firstLine = Array("id: \(lastEvent)\n".utf8)
        for (index, byte) in chunk.enumerated() {
            if arrived < firstLine.count {
                guard byte == firstLine[arrived] else {
                    isOver = true
                    return Array(firstLine[..<arrived] + chunk[index...])
                }
                arrived += 1
            }
            _ = boundary.read(CollectionOfOne(byte))
            if arrived == firstLine.count, boundary.isBetweenEvents || boundary.isOver {
                isOver = true
                return Array(chunk[(index + 1)...])
            }
        }
        return []
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    static let lastEventID = Self("Last-Event-ID")!
}
