/// A field selector in the format of the query parameter: `metadata.name=a,status.phase!=Running`.
package struct FieldSelector: Sendable, Hashable {
    private struct Requirement: Sendable, Hashable {
        let path: [String]
        let value: String
        let isEqual: Bool
    }

    private let requirements: [Requirement]

    /// Parses a selector; an empty text selects all objects.
    ///
    /// - Throws: ``StatusFailure`` with code 400 if the text is malformed or `kind` cannot be selected by one of the fields.
    package init(_ text: String, for kind: ResourceKind) throws {
        requirements = try text.split(separator: ",").map { part in
            for sign in ["!=", "==", "="] {
                guard let range = part.firstRange(of: sign) else { continue }
                let field = String(part[..<range.lowerBound])
                guard Self.fields(of: kind).contains(field) else {
                    throw StatusFailure.badRequest("field label not supported: \(field)")
                }
                return Requirement(
                    path: field.split(separator: ".").map(String.init),
                    value: String(part[range.upperBound...]),
                    isEqual: sign != "!="
                )
            }
            throw StatusFailure.badRequest("invalid selector: '\(text)'; can't understand '\(part)'")
        }
    }

    /// Whether an object meets all requirements. A missing member counts as empty.
    package func matches(_ object: JSONValue) -> Bool {
        requirements.allSatisfy { requirement in
            let value: String
            switch object[path: requirement.path[...]] {
            case .string(let text): value = text
            case .bool(let flag): value = String(flag)
            case .int(let number): value = String(number)
            default: value = ""
            }
            return (value == requirement.value) == requirement.isEqual
        }
    }

    /// The name that an object must have; `nil` if no requirement says so.
    package var requiredName: String? {
        requirements.first { $0.path == ["metadata", "name"] && $0.isEqual }?.value
    }

    private static func fields(of kind: ResourceKind) -> [String] {
        let common = ["metadata.name", "metadata.namespace"]
        switch kind {
        case .pods:
            return common + [
                "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
                "status.podIP", "status.nominatedNodeName",
            ]
        case .events:
            let members = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"]
            return common + members.map { "involvedObject.\($0)" } + ["reason", "reportingComponent", "source", "type"]
        case .namespaces: return common + ["status.phase"]
        case .services: return common + ["spec.clusterIP", "spec.type"]
        default: return common
        }
    }
}
