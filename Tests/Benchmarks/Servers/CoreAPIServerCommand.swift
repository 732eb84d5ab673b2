import ArgumentParser
import DevCluster
import Foundation

/// The development cluster's stand-in for the core API, with event streams that stay open.
struct CoreAPIServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "core-api-server",
        abstract: "Serve runs and their event streams.",
        shouldDisplay: false
    )

    struct Address: Codable, Sendable {
        let port: Int
        /// The bearer of the runs' owner.
        let bearer: String
    }

    func run() async throws {
        OpenFileLimit.raise()
        let issuer = TokenIssuer()
        let coreAPI = DevelopmentCoreAPI(issuer: issuer, owner: "ada", serviceKey: UUID().uuidString)
        try await coreAPI.serve { port in
            try ParentLink.answer(Address(port: port, bearer: issuer.token(for: "ada")))
            for await _ in ParentLink.questions() {}
        }
    }
}

/// The limit of open files, and so of connections, of this process and its children.
enum OpenFileLimit {
    /// Raises the limit to the maximum that the system allows.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
