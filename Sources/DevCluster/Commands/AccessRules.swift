import FoundationEssentials
import YAMLKit

/// The access rules in a file, such as the one with which preview-gateway is installed.
struct AccessRules: Sendable {
    private var objects: [(kind: ResourceKind, object: JSONValue)] = []

    /// - Parameter path: A YAML file with ServiceAccounts, roles and bindings.
    /// - Throws: ``DevClusterFailure`` if the file cannot be read or contains anything else.
    init(file path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DevClusterFailure("--rbac \(path) cannot be read")
        }
        do {
            for document in try YAMLNode.documents(in: data) {
                objects.append(try Self.rule(JSONParser.value(of: Array(document.json.utf8)), in: path))
            }
        } catch let failure as DevClusterFailure {
            throw failure
        } catch {
            throw DevClusterFailure("--rbac \(path) is not YAML")
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
        guard let kind else { throw DevClusterFailure("--rbac \(path) contains an object that is not an access rule") }
        return (kind, object)
    }
}
