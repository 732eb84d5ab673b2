internal import ArgumentParser
internal import Basics
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesModel
internal import PreviewDomain
internal import PreviewIdentity
internal import PreviewServer

/// `preview-gateway doctor bundle`: prints one JSON document for a bug report, without secrets.
struct DoctorBundleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Collect the data for a bug report, without secrets, as one JSON document.",
        discussion: """
            It contains versions, doctor's findings, and the service's objects, Events and last log lines that your \
            account may read. Tokens and addresses of previews, keys and bearer tokens are masked; names of users and \
            runs are not. Review it before you share it.

            \(SettingsOptions.discussion)
            """
    )

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        Swift.print(try await DoctorContext.withProcess(options) { try await DoctorBundle.collect($0).text() })
    }
}

/// The contents of a bundle. All texts are masked when it is printed.
struct DoctorBundle: Sendable {
    /// The maximum number of objects of each kind.
    static let maxObjects = 200
    /// The number of lines at the end of each replica's log.
    static let logLines = 300

    private var parts: [String: JSONValue] = [:]
    private let secrets: [String]

    /// Reads everything that the account may read. A part that cannot be read contains the reason instead; if the API server
    /// does not answer, only doctor's findings do.
    static func collect(_ context: DoctorContext) async throws -> DoctorBundle {
        var bundle = DoctorBundle(secrets: [context.serviceKey?.bearer.value].compactMap(\.self))
        bundle.parts["version"] = .string(BuildInfo.current.line)
        let report = await (try DoctorCommand.parse([])).report(context)
        bundle.parts["doctor"] = try? JSONDecoder().decode(JSONValue.self, from: Data(report.json().utf8))
        guard report.doesClusterAnswer else { return bundle }
        for kind in kinds(context) {
            bundle.parts[kind.resource.plural] = await reading {
                let objects = try await context.client.documents(
                    of: kind.resource,
                    in: kind.namespace,
                    labelSelector: kind.selector
                )
                return .array(Array(objects.prefix(maxObjects)))
            }
        }
        bundle.parts["logs"] = await reading { try await logs(context) }
        return bundle
    }

    private init(secrets: [String]) { self.secrets = secrets }

    /// A kind of object in the bundle, with the place where its objects are read.
    private struct Kind {
        let resource: APIResource
        let namespace: String
        var selector: LabelSelector?
    }

    private static let own = LabelSelector(matching: [ServiceObjects.nameLabel: ServiceObjects.name])

    private static func kinds(_ context: DoctorContext) -> [Kind] {
        let namespace = context.namespace
        return [
            Kind(resource: Gateway.resource, namespace: context.gatewayNamespace),
            Kind(resource: HTTPRoute.resource, namespace: namespace),
            Kind(resource: Service.resource, namespace: namespace),
            Kind(resource: SandboxClaim.resource, namespace: namespace),
            Kind(resource: InspectedDeployment.resource, namespace: namespace, selector: own),
            Kind(resource: Pod.resource, namespace: namespace, selector: own),
            Kind(resource: InspectedNetworkPolicy.resource, namespace: namespace),
            Kind(resource: InspectedQuota.resource, namespace: namespace),
            Kind(resource: Event.resource, namespace: namespace),
        ]
    }

    private static func logs(_ context: DoctorContext) async throws -> JSONValue {
        let pods = try await context.client.listMetadata(of: Pod.self, in: context.namespace, labelSelector: own).items
        var logs: [String: JSONValue] = [:]
        for pod in pods.map(\.metadata.name) {
            logs[pod] = await reading {
                let log = try await context.client.log(ofPod: pod, in: context.namespace, lastLines: logLines)
                return .array(log.split(whereSeparator: \.isNewline).map { .string(String($0)) })
            }
        }
        return .object(logs)
    }

    private static func reading(_ read: () async throws -> JSONValue) async -> JSONValue {
        do { return try await read() } catch { return .string("could not be read: \(error)") }
    }

    // MARK: Writing

    /// The masked document as JSON.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(BundleMask(secrets: secrets).masked(.object(parts))), as: UTF8.self)
    }
}

/// Removes secrets from documents, by their format and by their place in the document.
struct BundleMask: Sendable {
    /// Texts that are replaced wherever they occur.
    let secrets: [String]

    /// Members that repeat the rest of the object and do not help to find a fault.
    private static let dropped: Set<String> = ["managedFields", "kubectl.kubernetes.io/last-applied-configuration"]

    func masked(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .bool, .integer, .number: value
        case .string(let text): .string(masked(text))
        case .array(let elements): .array(elements.map(masked))
        case .object(let members):
            .object(
                Dictionary(
                    members.filter { !Self.dropped.contains($0.key) }.map { key, value in
                        (masked(key), member(key, value))
                    }
                ) { $1 }
            )
        }
    }

    private func member(_ key: String, _ value: JSONValue) -> JSONValue {
        switch key {
        case "env": variables(value)
        case "args", "command": arguments(value)
        default: masked(value)
        }
    }

    /// Masks the environment variables of a container. Only the values of this service's non-secret settings are shown.
    private func variables(_ value: JSONValue) -> JSONValue {
        guard case .array(let variables) = value else { return masked(value) }
        return .array(
            variables.map { variable in
                guard case .object(var members) = variable, members["value"] != nil else { return masked(variable) }
                if members["name"]?.stringValue.map(Self.shown.contains) != true {
                    members["value"] = .string(SecretMask.placeholder)
                }
                return masked(.object(members))
            }
        )
    }

    /// Masks the command line of a container. Of `KEY=VALUE`, only the values of this service's non-secret settings are shown,
    /// and of an element after `--set` that has another format nothing.
    private func arguments(_ value: JSONValue) -> JSONValue {
        guard case .array(let elements) = value else { return masked(value) }
        let option = "--set"
        return .array(
            zip(elements, [nil] + elements.map(\.stringValue)).map { element, previous in
                guard let text = element.stringValue else { return masked(element) }
                let prefix = text.hasPrefix("\(option)=") ? "\(option)=" : ""
                let setting = text.dropFirst(prefix.count)
                guard let separator = setting.firstIndex(of: "=") else {
                    return prefix.isEmpty && previous != option
                        ? masked(element) : .string(prefix + SecretMask.placeholder)
                }
                let key = setting[..<separator]
                // A value with a further "=" may be the rest of a shell's command.
                let isShown =
                    Self.shown.contains(String(key)) && !setting[setting.index(after: separator)...].contains("=")
                return isShown ? masked(element) : .string(masked("\(prefix)\(key)=") + SecretMask.placeholder)
            }
        )
    }

    /// The names of the settings whose values are not secret.
    private static let shown = Set(Settings.descriptions.filter { !$0.isSecret }.map(\.key))

    private func masked(_ text: String) -> String {
        var text = text
        for secret in secrets where !secret.isEmpty {
            text = text.split(separator: secret, omittingEmptySubsequences: false).joined(
                separator: SecretMask.placeholder
            )
        }
        return SecretMask.mask(Self.withoutCredentials(text))
    }

    /// Masks what follows `Bearer` and `Basic`, and the user information of a URL. Short credentials have no format by which
    /// ``SecretMask`` could recognise them.
    static func withoutCredentials(_ text: String) -> String {
        text.replacing(/(?i)\b(bearer|basic)\s+[^\s"',;]+/) { "\($0.output.1) \(SecretMask.placeholder)" }
            .replacing(/:\/\/[^\/\s@"']+@/, with: "://\(SecretMask.placeholder)@")
    }
}
