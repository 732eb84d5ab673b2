internal import ArgumentParser
internal import KubernetesClient
internal import KubernetesModel
internal import PreviewDomain

/// The option of commands that can read all namespaces.
struct NamespaceScope: ParsableArguments {
    @Flag(
        name: [.customShort("A"), .long],
        help: "List all namespaces; your account needs permission to list across the cluster."
    )
    var allNamespaces = false

    /// The connections to read from: the given one, or one for each namespace that has objects of a type.
    ///
    /// - Throws: A ``CommandFailure`` if the objects of all namespaces cannot be listed.
    func connections<Object: KubernetesObject>(
        _ connection: OperatorConnection,
        holding type: Object.Type,
        labelSelector: LabelSelector? = nil
    ) async throws -> [OperatorConnection] {
        guard allNamespaces else { return [connection] }
        let found: [PartialObjectMetadata]
        do {
            found = try await connection.cluster.client.listMetadata(of: type, in: nil, labelSelector: labelSelector)
                .items
        } catch let error as KubernetesError {
            throw CommandFailure("the \(type.resource.plural) of all namespaces cannot be listed: \(error)")
        }
        return Set(found.compactMap(\.metadata.namespace)).sorted().map {
            OperatorConnection(connection.cluster.inNamespace($0))
        }
    }

    /// The end of a sentence such as "No previews in …".
    func namespaceDescription(_ connection: OperatorConnection) -> String {
        allNamespaces ? "any namespace" : "namespace \(connection.namespace)"
    }
}

extension OperatorConnection {
    var namespace: String { cluster.settings.namespace }
}

extension LabelSelector {
    /// Selects previews, including those of the platform's older service.
    static let previews = LabelSelector(PreviewLabel.ownedSelector)
}
