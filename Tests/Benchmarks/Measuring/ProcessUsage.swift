import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// The resources that processes have used.
enum ProcessUsage {
    struct Unreadable: Error {}

    /// The CPU time of this process so far, of all threads together, in seconds.
    static func cpuSeconds() -> Double {
        // POSIX fixes the unit at a microsecond, whatever the resolution.
        Double(clock()) / 1e6
    }

    /// Runs `body`, and returns the CPU time that this process used meanwhile, in seconds.
    static func cpuSeconds(_ body: () async throws -> Void) async throws -> Double {
        let begun = cpuSeconds()
        try await body()
        return cpuSeconds() - begun
    }

    /// The CPU time of a process so far, of all threads together, in seconds.
    static func cpuSeconds(of process: Int32) throws -> Double {
        let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // The name, in parentheses, may contain anything; user and system time are the 12th and 13th field after it.
        guard let end = stat.lastIndex(of: ")") else { throw Unreadable() }
        let fields = stat[end...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
            throw Unreadable()
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The resident memory of a process, in bytes.
    static func residentBytes(of process: Int32) throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
        else { throw Unreadable() }
        return kibibytes * 1024
    }
}
