/// How far an approval reaches. The raw value is what callers send and what the annotations hold.
public enum ApprovalScope: String, Hashable, Sendable, Codable, CaseIterable {
    /// This one request.
    case once
    /// Every request of this run for this port.
    case run
    /// Every request of this run, whatever the port.
    case tool
    /// Every request of any run for this port.
    case always
}
