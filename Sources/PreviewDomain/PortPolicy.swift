internal import Basics

/// A TCP port in a pod, 1 to 65535.
public struct TargetPort: Hashable, Sendable, CustomStringConvertible {
    /// The numbers that a TCP port can have; 0 is none.
    public static let range = 1...65_535

    /// The port's number.
    public let number: Int

    /// Creates a port from a number, if it is a TCP port.
    public init?(_ number: Int) {
        guard Self.range.contains(number) else { return nil }
        self.number = number
    }

    /// Reads the number as it is written in an annotation: decimal digits only, no sign, at most five.
    init?(decimal text: String) {
        guard text.utf8.count <= 5, text.utf8.allSatisfy(\.isDigit), let number = Int(text) else { return nil }
        self.init(number)
    }

    /// The port's number.
    public var description: String { String(number) }
}

/// The ports of a sandbox that previews may use.
public struct PortPolicy: Hashable, Sendable {
    /// The ports that may be previewed. The cluster's NetworkPolicy mirrors this range.
    public let allowed: ClosedRange<Int>

    /// Allows a range of ports; the default is the contract's.
    public init(allowed: ClosedRange<Int> = 3000...9000) {
        self.allowed = allowed
    }

    /// Checks the port of a request.
    ///
    /// - Parameter port: The number from the request, of any size.
    /// - Throws: `PortRejected` if it is not a TCP port or outside the allowed range.
    public func check(_ port: Int) throws(PortRejected) -> TargetPort {
        guard let target = TargetPort(port), allowed.contains(port) else {
            throw PortRejected(port: port, allowed: allowed)
        }
        return target
    }
}

/// A port that may not be previewed.
public struct PortRejected: Error, Hashable, Sendable, CustomStringConvertible {
    /// The requested port.
    public let port: Int
    /// The ports that may be previewed.
    public let allowed: ClosedRange<Int>

    /// One sentence that names the allowed range.
    public var message: String {
        "Port \(port) cannot be previewed: expected a port from \(allowed.lowerBound) to \(allowed.upperBound)."
    }

    /// The message.
    public var description: String { message }
}
