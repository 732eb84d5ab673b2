import FoundationEssentials
import Yams

/// The objects of a file that say who may do what, for example those that preview-gateway is installed with.
struct AccessRules: Sendable {
    private var objects: [(kind: ResourceKind, object: JSONValue)] = []

    /// - Parameter path: A YAML file of ServiceAccounts, roles and their bindings.
    /// - Throws: ``DevClusterFailure`` if it is none.
    init(file path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DevClusterFailure("--rbac \(path) cannot be read")
        }
        do {
            var documents = try Yams.compose_all(yaml: String(decoding: data, as: UTF8.self))
            while let document = documents.next() {
                objects.append(try Self.rule(YAMLDecoder().decode(JSONValue.self, from: document), in: path))
            }
            // The sequence just ends where it meets what it cannot read.
            if let error = documents.error { throw error }
        } catch let failure as DevClusterFailure {
            throw failure
        } catch {
            throw DevClusterFailure("--rbac \(path) is no YAML")
        }
    }

    func install(into store: ObjectStore) throws {
        for (kind, object) in objects { try store.create(kind, namespace: object.namespace, object) }
    }

    private static let kinds: [ResourceKind] = [
        .serviceAccounts, .roles, .roleBindings, .clusterRoles, .clusterRoleBindings,
    ]

    private static func rule(_ object: JSONValue, in path: String) throws -> (ResourceKind, JSONValue) {
        let kind = kinds.first {
            object["kind"]?.stringValue == $0.kind && object["apiVersion"]?.stringValue == $0.storageAPIVersion
        }
        guard let kind else { throw DevClusterFailure("--rbac \(path) holds something that is no rule about access") }
        return (kind, object)
    }
}
