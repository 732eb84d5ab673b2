import FoundationEssentials

/// The state of a process in `/proc/PID` (proc(5)).
package struct ProcessStatus: Sendable, Hashable {
    /// The id of the process group.
    package let groupID: Int32
    /// Whether the process has ended and was not reaped by its parent yet.
    package let isZombie: Bool

    package init?(processDirectory: String) {
        guard let data = FileManager.default.contents(atPath: processDirectory + "/stat") else { return nil }
        self.init(stat: String(decoding: data, as: UTF8.self))
    }

    /// Parses `/proc/PID/stat`: the id, the name in parentheses, the state, the parent, the group, and more.
    package init?(stat: String) {
        // The name may contain spaces and parentheses, so the fields are counted from the last parenthesis.
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 2, let groupID = Int32(fields[2]) else { return nil }
        self.groupID = groupID
        isZombie = fields[0] == "Z" || fields[0] == "X"
    }

    /// The resident memory of a process in megabytes of 2^20 bytes; `nil` if the system does not report it.
    package static func residentMegabytes(of processID: Int32) -> Double? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(processID)/status") else { return nil }
        return residentMegabytes(status: String(decoding: data, as: UTF8.self))
    }

    /// Parses `VmRSS`, in units of 1,024 bytes, from the text of `/proc/PID/status`.
    package static func residentMegabytes(status: String) -> Double? {
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard fields.count >= 2, let kilobytes = Double(fields[1]) else { return nil }
            return kilobytes / 1024
        }
        return nil
    }
}
