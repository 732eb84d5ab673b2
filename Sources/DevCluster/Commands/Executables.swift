import FoundationEssentials

/// The programs of a development cluster.
struct Executables: Sendable, Hashable {
    /// The path of this program.
    let cluster: String
    /// The path of preview-gateway, in the same folder.
    let service: String
    /// The path of Envoy.
    let envoy: String

    /// - Throws: ``DevClusterFailure`` with instructions if a program is missing.
    init() throws {
        cluster = try Self.own()
        let folder = cluster.split(separator: "/").dropLast().joined(separator: "/")
        service = "/\(folder)/preview-gateway"
        guard FileManager.default.isExecutableFile(atPath: service) else {
            throw DevClusterFailure("\(service) is missing: build it first, for example with 'make build'")
        }
        envoy = try Self.envoy(environment: ProcessInfo.processInfo.environment)
    }

    /// The path in the variable `ENVOY`, or the first `envoy` in `PATH`.
    static func envoy(environment: [String: String]) throws -> String {
        if let named = environment["ENVOY"], !named.isEmpty {
            guard FileManager.default.isExecutableFile(atPath: named) else {
                throw DevClusterFailure("ENVOY is \(named), which is not executable: run 'make setup', or set another")
            }
            return named
        }
        let found = (environment["PATH"] ?? "").split(separator: ":").lazy.map { "\($0)/envoy" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let found else {
            throw DevClusterFailure("Envoy was not found: run 'make setup', or set the variable ENVOY to a binary")
        }
        return found
    }

    private static func own() throws -> String {
        if let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") { return path }
        let name = CommandLine.arguments.first ?? ""
        guard name.contains("/") else {
            throw DevClusterFailure("start \(name) by its path, so that it finds the service in the same folder")
        }
        return name.hasPrefix("/") ? name : "\(FileManager.default.currentDirectoryPath)/\(name)"
    }
}
