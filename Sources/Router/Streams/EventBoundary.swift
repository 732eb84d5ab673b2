/// Parses an event stream (WHATWG HTML, "Server-sent events") as far as needed to find the positions between two
/// events.
///
/// It buffers nothing: only at these positions other events may be inserted.
public struct EventBoundary: Hashable, Sendable {
    private enum Position: Hashable {
        case lineStart
        case inLine
        /// After a carriage return: a line feed would belong to it.
        case afterReturn
    }

    /// The beginning of the stream's last event.
    private static let lastEvent = [Array("event:done".utf8), Array("event: done".utf8)]

    /// The beginning of a comment, a line that belongs to no event. A server that keeps an idle stream open with
    /// comments need not end them with an empty line.
    private static let comment = UInt8(ascii: ":")

    /// The field that names an event.
    private static let name = Array("event".utf8)

    private var position = Position.lineStart
    private var hasFields = false
    /// The first bytes of the line.
    private var line: [UInt8] = []
    private var namesLastEvent = false
    /// True once the stream's last event is complete: nothing may be appended to it.
    public private(set) var isOver = false

    public init() {}

    /// Whether the bytes so far end at the end of an event.
    public var isBetweenEvents: Bool { position == .lineStart && !hasFields && !isOver }

    /// Parses further bytes.
    ///
    /// - Returns: The number of bytes before the last position for an insertion among them; `nil` if there is none.
    public mutating func read(_ bytes: some Sequence<UInt8>) -> Int? {
        var last: Int?
        for (index, byte) in bytes.enumerated() {
            read(byte)
            if isBetweenEvents { last = index + 1 }
        }
        return last
    }

    private mutating func read(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\n") where position == .afterReturn:
            position = .lineStart
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
            endLine(isEmpty: position != .inLine)
            position = byte == UInt8(ascii: "\r") ? .afterReturn : .lineStart
        default:
            if position != .inLine { line.removeAll(keepingCapacity: true) }
            if line.count <= Self.lastEvent[1].count { line.append(byte) }
            position = .inLine
        }
    }

    private mutating func endLine(isEmpty: Bool) {
        if isEmpty {
            isOver = isOver || namesLastEvent
            hasFields = false
            namesLastEvent = false
        } else if line.first != Self.comment {
            hasFields = true
            if line == Self.name || line.starts(with: Self.name + ":".utf8) {
                namesLastEvent = Self.lastEvent.contains(line)
            }
        }
    }
}
