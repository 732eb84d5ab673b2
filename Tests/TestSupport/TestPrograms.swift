internal import FoundationEssentials

/// The programs that some tests run. A test whose program is missing is skipped.
public enum TestPrograms {
    /// The Envoy that the variable `ENVOY` names.
    public static let envoy = named(by: "ENVOY")

    /// The executable that a variable of the environment names; `nil` if it names none.
    public static func named(by variable: String) -> String? {
        ProcessInfo.processInfo.environment[variable].flatMap { executable($0) }
    }

    /// The executable at this path relative to the package's folder, for example one that `.ci/setup` installed; `nil`
    /// if there is none.
    public static func inPackage(_ path: String) -> String? {
        executable("\(FileManager.default.currentDirectoryPath)/\(path)")
    }

    /// Whether a folder of `PATH` contains a program of this name.
    public static func isInstalled(_ name: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            executable("\($0)/\(name)") != nil
        }
    }

    /// The path of a program that the build has placed beside the tests; `nil` if it was not built.
    public static func built(_ name: String) -> String? {
        // The running executable may be a helper of the package manager.
        let bundle = CommandLine.arguments.first { $0.hasPrefix("/") && $0.hasSuffix(".xctest") }
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        guard let tests = bundle ?? own else { return nil }
        return executable("/" + tests.split(separator: "/").dropLast().joined(separator: "/") + "/\(name)")
    }

    private static func executable(_ path: String) -> String? {
        FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }
}
