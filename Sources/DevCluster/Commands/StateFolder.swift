import FoundationEssentials

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The folder of a development cluster: logs, and files with secrets that only the user may read.
struct StateFolder: Sendable {
    let path: String
    private let lock: FileDescriptor

    var logs: String { "\(path)/logs" }
    var gateway: String { "\(path)/gateway" }
    var kubeconfig: String { "\(path)/kubeconfig" }
    var serviceKubeconfig: String { "\(path)/kubeconfig-service" }
    var apiKey: String { "\(path)/api-key" }
    /// The public key of the issuer of access tokens.
    var issuerKey: String { "\(path)/issuer.pem" }
    /// An access token of the run's owner.
    var ownerToken: String { "\(path)/owner-token" }

    /// Opens the folder exclusively while `body` runs, with empty logs.
    ///
    /// - Throws: ``DevClusterFailure`` if the folder cannot be created or another cluster uses it, or the error of `body`.
    static func withFolder<Result>(
        at path: String,
        _ body: (StateFolder) async throws -> Result
    ) async throws -> Result {
        let absolute = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        let folder = try StateFolder(absolute)
        defer { try? folder.lock.close() }
        return try await body(folder)
    }

    private init(_ path: String) throws {
        self.path = path
        do {
            let manager = FileManager.default
            try manager.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            lock = try FileDescriptor.open(
                FilePath("\(path)/lock"),
                .readWrite,
                options: [.create, .closeOnExec],
                permissions: .ownerReadWrite
            )
            guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                try? lock.close()
                throw DevClusterFailure(
                    "another development cluster uses \(path): specify another folder with --state-dir"
                )
            }
            for name in ["logs", "gateway"] {
                try? manager.removeItem(atPath: "\(path)/\(name)")
                try manager.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: false)
            }
        } catch let failure as DevClusterFailure {
            throw failure
        } catch {
            throw DevClusterFailure("the folder \(path) cannot be created or written: specify another --state-dir")
        }
    }

    /// The last ten lines of a file, for an error message.
    static func tail(of path: String) -> String {
        guard let data = FileManager.default.contents(atPath: path) else { return "" }
        return String(decoding: data.suffix(8192), as: UTF8.self).split(separator: "\n").suffix(10)
            .map { "    \($0)" }.joined(separator: "\n")
    }
}
