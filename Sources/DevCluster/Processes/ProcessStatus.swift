import FoundationEssentials

/// What Linux says about a process in `/proc/PID` (proc(5)).
package struct ProcessStatus: Sendable, Hashable {
    /// The process group.
    package let groupID: Int32
    /// True for a process that has ended and waits to be collected by its parent.
    package let isZombie: Bool

    package init?(processDirectory: String) {
        guard let data = FileManager.default.contents(atPath: processDirectory + "/stat") else { return nil }
        self.init(stat: String(decoding: data, as: UTF8.self))
    }

    /// Reads the line of `/proc/PID/stat`: id, name in parentheses, state, parent, group, and more.
    package init?(stat: String) {
        // The name may hold spaces and parentheses of its own, so the fields are counted from the last one.
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 2, let groupID = Int32(fields[2]) else { return nil }
        self.groupID = groupID
        isZombie = fields[0] == "Z" || fields[0] == "X"
    }

    /// The resident memory of a process in megabytes of 2^20 bytes, or `nil` where the system does not say.
    package static func residentMegabytes(of processID: Int32) -> Double? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(processID)/status") else { return nil }
        return residentMegabytes(status: String(decoding: data, as: UTF8.self))
    }

    /// Reads `VmRSS` from the text of `/proc/PID/status`, which gives it in units of 1,024 bytes.
    package static func residentMegabytes(status: String) -> Double? {
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard fields.count >= 2, let kilobytes = Double(fields[1]) else { return nil }
            return kilobytes / 1024
        }
        return nil
    }
}
