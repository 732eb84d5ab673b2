import CCurl
import Foundation

/// The machine on which the figures were measured, without anything that identifies it.
struct Machine: Codable, Sendable {
    let date: String
    let cores: Int
    let memoryGiB: Int
    let kernel: String
    let compiler: String
    let libcurl: String
    let isOptimized: Bool

    init() {
        date = String(Date().ISO8601Format().prefix(10))
        cores = ProcessInfo.processInfo.activeProcessorCount
        memoryGiB = Int((Double(ProcessInfo.processInfo.physicalMemory) / 1_073_741_824).rounded())
        let release = try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
        kernel = release.map { "Linux \($0.prefix { $0.isNumber || $0 == "." })" } ?? "an unknown kernel"
        #if compiler(>=6.4)
            compiler = "Swift 6.4 or later"
        #elseif compiler(>=6.3)
            compiler = "Swift 6.3"
        #else
            compiler = "Swift 6.2"
        #endif
        // The first word names libcurl and its version, the others the libraries that it was built with.
        libcurl = String(cString: curl_version()).split(separator: " ").prefix(2).joined(separator: " with ")
        var isDebug = false
        assert(
            {
                isDebug = true
                return true
            }()
        )
        isOptimized = !isDebug
    }

    var description: String {
        let build = isOptimized ? "a release build" : "A DEBUG BUILD, WHOSE FIGURES MEAN NOTHING"
        return "\(date), \(cores) cores, \(memoryGiB) GiB of memory, \(kernel), \(compiler), \(libcurl), \(build)"
    }

    var markdown: String { "Measured on \(description)." }
}
