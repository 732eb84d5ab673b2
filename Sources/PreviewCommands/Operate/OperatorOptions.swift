internal import ArgumentParser
internal import FoundationEssentials
internal import KubernetesClient
internal import PreviewDomain

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The options of every command for operators.
struct OperatorOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The namespace of the previews; overrides the setting.")
    var namespace: String?

    @OptionGroup var settings: SettingsOptions

    /// An empty name could otherwise be the value of a variable that is not set, and others change the request's path.
    func validate() throws {
        let setting = Settings.Keys.namespace
        guard let namespace, setting.parse(namespace) != namespace else { return }
        throw ValidationError("--namespace: expected \(setting.expected)")
    }

    /// Connects to the cluster with the options and the environment.
    ///
    /// - Throws: A ``SettingsError`` if a setting or the cluster's configuration is invalid.
    func connect(_ context: OperatorContext) throws -> OperatorConnection {
        var settings = try ClusterSettings(settings.sources(environment: context.environment))
        if let namespace { settings.namespace = namespace }
        return try OperatorConnection(ClusterConnection(settings, to: context.cluster))
    }
}

/// The value of the option `--run`.
struct RunFilter {
    let run: RunID?

    /// - Throws: A `ValidationError` if the text is not a run id. The parser prints it together with the command's usage.
    init(_ text: String?) throws {
        do { run = try text.map { try RunID($0) } } catch { throw ValidationError("--run: \(error)") }
    }
}

/// A command's access to its process. Tests replace it.
struct OperatorContext {
    var environment: [String: String]
    /// Loads the address, the trust and the credentials of the API server.
    var cluster: () throws -> ClusterConfiguration
    /// Prints a result.
    var print: @Sendable (String) -> Void
    /// Prints a warning.
    var warn: @Sendable (String) -> Void

    static var process: OperatorContext {
        OperatorContext(
            environment: ProcessInfo.processInfo.environment,
            cluster: { try .discover() },
            print: { text in
                Swift.print(text)
                // Output to a pipe is buffered, and a reader of `watch` must see each line at once.
                fflush(nil)
            },
            warn: { warning in
                let line = Array("Warning: \(Excerpt.escaped(warning))\n".utf8)
                // An error is ignored: standard error may be closed.
                _ = write(STDERR_FILENO, line, line.count)
            }
        )
    }
}

/// A command for operators. It sends its requests to the API server itself, with the operator's kubeconfig.
protocol OperatorCommand: AsyncParsableCommand {
    var options: OperatorOptions { get }
    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws
}

extension OperatorCommand {
    static var discussion: String {
        "It accesses the cluster with your kubeconfig and permissions. \(SettingsOptions.discussion)"
    }

    mutating func run() async throws {
        try await run(in: .process)
    }

    func run(in context: OperatorContext) async throws {
        try await run(options.connect(context), context)
    }
}
