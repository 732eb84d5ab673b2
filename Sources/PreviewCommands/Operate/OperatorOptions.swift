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

/// The options that every command for operators takes.
struct OperatorOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The previews' namespace, in place of the setting's.")
    var namespace: String?

    @OptionGroup var settings: SettingsOptions

    /// Where previews are, and by which rules they live.
    ///
    /// - Throws: A ``SettingsError`` with the one line that says which setting is wrong.
    func connect(_ context: OperatorContext) throws -> OperatorConnection {
        var settings = try ClusterSettings(settings.sources(environment: context.environment))
        if let namespace { settings.namespace = namespace }
        return try OperatorConnection(ClusterConnection(settings, to: context.cluster))
    }
}

/// The value of an option `--run`.
struct RunFilter {
    let run: RunID?

    /// - Throws: A `ValidationError` for a text that is no run's id. A command says so when it is parsed, with its usage.
    init(_ text: String?) throws {
        do { run = try text.map { try RunID($0) } } catch { throw ValidationError("--run: \(error)") }
    }
}

/// What a command finds around it: the process in production, and whatever a test wants.
struct OperatorContext {
    var environment: [String: String]
    /// Says where the cluster is.
    var cluster: () throws -> ClusterConfiguration
    /// Gets what was asked for.
    var print: @Sendable (String) -> Void
    /// Gets what the operator should know besides.
    var warn: @Sendable (String) -> Void

    static var process: OperatorContext {
        OperatorContext(
            environment: ProcessInfo.processInfo.environment,
            cluster: { try .discover() },
            print: { text in
                Swift.print(text)
                // Whoever follows reads through a pipe.
                fflush(nil)
            },
            warn: { warning in
                let line = Array("Warning: \(warning)\n".utf8)
                // Where standard error is closed there is nobody to warn.
                _ = write(STDERR_FILENO, line, line.count)
            }
        )
    }
}

/// A command for operators, which works on the cluster itself with the caller's own kubeconfig.
protocol OperatorCommand: AsyncParsableCommand {
    var options: OperatorOptions { get }
    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws
}

extension OperatorCommand {
    static var discussion: String {
        "It asks the cluster itself, with your own kubeconfig and permissions. \(SettingsOptions.discussion)"
    }

    mutating func run() async throws {
        try await run(in: .process)
    }

    func run(in context: OperatorContext) async throws {
        try await run(options.connect(context), context)
    }
}
