import FoundationEssentials

/// The programs that the development cluster starts.
struct Programs: Sendable {
    /// This executable.
    let devCluster: String
    let previewGateway: String
    let envoy: String

    /// Where `make setup` puts Envoy, below the package's folder.
    private static let envoyBelowPackage = ".build/devcluster/envoy"

    /// Finds the service beside this executable, and Envoy where `$ENVOY` says or `make setup` put it.
    ///
    /// - Throws: ``DevClusterFailure`` that says what to do.
    static func find(environment: [String: String]) throws -> Programs {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let service = own.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" } + "/preview-gateway"
        guard FileManager.default.isExecutableFile(atPath: service) else {
            throw DevClusterFailure("there is no preview-gateway beside \(own): run 'make build'")
        }
        let envoy = environment["ENVOY"] ?? "\(FileManager.default.currentDirectoryPath)/\(envoyBelowPackage)"
        guard FileManager.default.isExecutableFile(atPath: envoy) else {
            throw DevClusterFailure("there is no Envoy at \(envoy): run 'make setup', or name one in $ENVOY")
        }
        return Programs(devCluster: own, previewGateway: service, envoy: envoy)
    }
}
