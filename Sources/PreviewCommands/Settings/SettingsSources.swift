internal import ArgumentParser
internal import Basics
internal import FoundationEssentials
internal import YAMLKit

/// The texts of all settings, merged from flags, environment and file.
///
/// Flags take precedence over the environment, and the environment over the file. An empty or blank text counts as not set.
struct SettingsSources: Sendable {
    /// The source of a text, for error messages.
    enum Origin: String, Sendable {
        case flag = "--set"
        case environment = "the environment"
        case file = "the settings file"
    }

    private let values: [String: (text: String, origin: Origin)]

    /// The prefixes of this service's environment variables. A variable with such a prefix that is not a setting is an error.
    private static let prefixes = [
        "Sandbox__Preview__", "SANDBOX_PREVIEW_AUTO_APPROVE", "Auth__", "Router__", "Server__", "Log__",
    ]

    /// Variables of the platform that are settings. Other variables with their prefix are ignored.
    private static let platformNames = [Settings.Keys.coreAPI.key]

    /// The maximum size of a settings file, in bytes.
    private static let maxFileBytes = 1 << 20

    /// Reads and merges the sources.
    ///
    /// - Parameters:
    ///   - flags: `KEY=VALUE` pairs.
    ///   - environment: The process's environment.
    ///   - file: The path of a YAML or JSON file, flat (`Sandbox__Preview__Enabled: true`) or nested (`Sandbox: {Preview:
    ///     {Enabled: true}}`).
    /// - Throws: A ``SettingsError`` if a flag has another format or the file cannot be read.
    init(flags: [String], environment: [String: String], file: String?) throws(SettingsError) {
        var values: [String: (text: String, origin: Origin)] = [:]
        if let file {
            for (key, text) in try Self.read(file) { Self.set(&values, key, text, .file) }
        }
        for (key, text) in environment
        where Self.prefixes.contains(where: key.hasPrefix) || Self.platformNames.contains(key) {
            Self.set(&values, key, text, .environment)
        }
        for (index, flag) in flags.enumerated() {
            guard let separator = flag.firstIndex(of: "="), separator > flag.startIndex else {
                // The text may be a secret's value without its key, so it is not shown.
                throw SettingsError("--set number \(index + 1) of \(flags.count): expected KEY=VALUE")
            }
            Self.set(&values, String(flag[..<separator]), String(flag[flag.index(after: separator)...]), .flag)
        }
        self.values = values
    }

    private static func set(
        _ values: inout [String: (text: String, origin: Origin)],
        _ key: String,
        _ text: String,
        _ origin: Origin
    ) {
        // An empty text must not replace another source's value, but the key is stored so that `checkKeys` finds unknown ones.
        if isEmpty(text), values[key] != nil { return }
        values[key] = (text, origin)
    }

    private static func isEmpty(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }

    /// Rejects keys that belong to no setting.
    func checkKeys(known: Set<String>) throws(SettingsError) {
        let unknown = values.filter { !known.contains($0.key) }.min { $0.key < $1.key }
        guard let (key, value) = unknown else { return }
        if let hint = ServerSettings.Keys.removed[key] {
            throw SettingsError("\(key) (from \(value.origin.rawValue)) is no longer a setting: \(hint)")
        }
        throw SettingsError(
            "\(key) (from \(value.origin.rawValue)) is not a setting: expected one of \(known.sorted().joined(separator: ", "))"
        )
    }

    /// The value of a setting, or its default if no source contains the key.
    func value<Value>(of setting: Setting<Value, Value>) throws(SettingsError) -> Value {
        try givenValue(of: setting) ?? setting.defaultValue
    }

    /// The value of a setting without a default; `nil` if no source contains the key.
    func value<Value>(of setting: Setting<Value, Void>) throws(SettingsError) -> Value? {
        try givenValue(of: setting)
    }

    /// The value of a setting, regardless of its default; `nil` if no source contains the key.
    func givenValue<Value, Default>(of setting: Setting<Value, Default>) throws(SettingsError) -> Value? {
        assert(Settings.keys.contains(setting.key), "\(setting.key) is missing in Settings.descriptions")
        guard let (text, origin) = values[setting.key], !Self.isEmpty(text) else { return nil }
        guard let value = setting.parse(text) else {
            let shown = setting.isSecret ? "<redacted>" : "'\(text.prefix(100))'"
            throw SettingsError("\(setting.key) is \(shown) (from \(origin.rawValue)): expected \(setting.expected)")
        }
        return value
    }

    // MARK: File

    private static func read(_ path: String) throws(SettingsError) -> [String: String] {
        let text: String
        do { text = try SmallFile.read(path, maxBytes: maxFileBytes) } catch {
            throw SettingsError("the settings file \(path) \(error)")
        }
        let root: YAMLNode?
        do { root = try YAMLNode.document(in: text.utf8) } catch {
            throw SettingsError("the settings file \(path) is neither YAML nor JSON (\(error))")
        }
        var values: [String: String] = [:]
        guard let root else { return values }
        try flatten(root, into: &values, path: "", file: path)
        return values
    }

    private static func flatten(
        _ node: YAMLNode,
        into values: inout [String: String],
        path: String,
        file: String
    ) throws(SettingsError) {
        switch node {
        case .mapping(let members):
            for (name, value) in members {
                try flatten(value, into: &values, path: path.isEmpty ? name : "\(path)__\(name)", file: file)
            }
        case .scalar(let text, _) where !path.isEmpty:
            values[path] = text
        default:
            throw SettingsError("the settings file \(file) must contain only keys and scalar values; see '\(path)'")
        }
    }
}

/// The reason for which the settings are invalid, as one line for the operator.
struct SettingsError: Error, Hashable, CustomStringConvertible {
    let description: String

    /// - Parameter description: A text that was given may contain newlines; they become blanks.
    init(_ description: String) {
        self.description = description.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

/// The options with which every command takes settings.
struct SettingsOptions: ParsableArguments {
    /// The part of a command's help that describes the settings.
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
