internal import ArgumentParser
internal import FoundationEssentials

/// The options with which every command takes settings.
struct SettingsOptions: ParsableArguments {
    /// What a command's help says about them.
    static let discussion = """
        Settings come from --set, from environment variables of the same names, and from the settings file, in this \
        order. The cluster is $KUBECONFIG's, or the one that this pod runs in, or ~/.kube/config's.
        """

    @Option(help: ArgumentHelp("A YAML or JSON file with settings.", valueName: "path"))
    var config: String?

    @Option(
        name: .customLong("set"),
        parsing: .singleValue,
        help: ArgumentHelp("One setting; may be repeated.", valueName: "KEY=VALUE")
    )
    var flags: [String] = []

    func sources(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(SettingsError) -> SettingsSources {
        try SettingsSources(flags: flags, environment: environment, file: config)
    }
}
