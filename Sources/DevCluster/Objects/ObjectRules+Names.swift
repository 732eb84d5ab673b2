/// The formats of names (Kubernetes, "Object Names and IDs" and "Labels and Selectors").
extension ObjectRules {
    static let subdomainRule = """
        a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
        and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
        '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        """
    static let labelRule = """
        a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
        with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
        '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
        """
    static let serviceNameRule = """
        a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
        character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation \
        is '[a-z]([-a-z0-9]*[a-z0-9])?')
        """
    static let labelValueRule = """
        a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
        and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation \
        is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
        """
    static let qualifiedNameRule = """
        name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
        alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
        '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        """

    /// The maximum size of all annotations of an object together, in bytes.
    static let maxAnnotationBytes = 256 * 1024

    static func checkMetadata(_ object: JSONValue, _ kind: ResourceKind, _ report: inout Report) {
        checkName(object, kind, &report)
        for map in ["labels", "annotations"] {
            for (_, value) in object["metadata", map]?.objectValue ?? [:] where value.stringValue == nil {
                report.invalid("metadata.\(map)", value, "must be a string")
            }
        }
        checkLabels(object["metadata", "labels"], "metadata.labels", &report)
        if case .object(let annotations) = object["metadata", "annotations"] {
            var bytes = 0
            for (name, value) in annotations.sorted(by: { $0.key < $1.key }) {
                checkQualifiedName(name, "metadata.annotations", isCaseSensitive: false, &report)
                bytes += name.utf8.count + (value.stringValue?.utf8.count ?? 0)
            }
            if bytes > maxAnnotationBytes {
                report.tooLong("metadata.annotations", "must have at most \(maxAnnotationBytes) bytes")
            }
        }
        for (index, owner) in object.ownerReferences.enumerated() {
            for member in ["apiVersion", "kind", "name", "uid"] where owner[member]?.stringValue ?? "" == "" {
                report.invalid(
                    "metadata.ownerReferences[\(index)].\(member)",
                    .string(""),
                    "\(member) must not be empty"
                )
            }
        }
        for finalizer in object.finalizers {
            checkQualifiedName(finalizer, "metadata.finalizers", isCaseSensitive: true, &report)
        }
    }

    private static func checkName(_ object: JSONValue, _ kind: ResourceKind, _ report: inout Report) {
        let name = object.name
        if name.isEmpty {
            report.required("metadata.name", "name or generateName is required")
            return
        }
        switch kind {
        case .services:
            if !isLabel(name, mayStartWithDigit: false) {
                report.invalid("metadata.name", .string(name), serviceNameRule)
            }
            checkLength(name, 63, "metadata.name", &report)
        case .namespaces:
            if !isLabel(name) { report.invalid("metadata.name", .string(name), labelRule) }
            checkLength(name, 63, "metadata.name", &report)
        case .roles, .roleBindings, .clusterRoles, .clusterRoleBindings:
            if name == "." || name == ".." || name.contains("/") || name.contains("%") {
                report.invalid("metadata.name", .string(name), "may not contain '/' or '%', nor be '.' or '..'")
            }
        default:
            if !isSubdomain(name) { report.invalid("metadata.name", .string(name), subdomainRule) }
            checkLength(name, 253, "metadata.name", &report)
        }
    }

    static func checkLabels(_ labels: JSONValue?, _ field: String, _ report: inout Report) {
        for (name, value) in (labels?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            checkQualifiedName(name, field, isCaseSensitive: true, &report)
            let text = value.stringValue ?? ""
            checkLength(text, 63, field, &report)
            if !text.isEmpty, !isQualifiedNamePart(text) { report.invalid(field, .string(text), labelValueRule) }
        }
    }

    private static func checkQualifiedName(
        _ name: String,
        _ field: String,
        isCaseSensitive: Bool,
        _ report: inout Report
    ) {
        let parts = (isCaseSensitive ? name : name.lowercased()).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            report.invalid(
                field,
                .string(name),
                "a qualified name \(qualifiedNameRule.dropFirst(10)) with an optional DNS subdomain prefix and '/'"
            )
            return
        }
        if parts.count == 2, !isSubdomain(parts[0]) {
            report.invalid(field, .string(name), "prefix part \(subdomainRule)")
        }
        if !isQualifiedNamePart(parts[parts.count - 1]) { report.invalid(field, .string(name), qualifiedNameRule) }
        if parts[parts.count - 1].utf8.count > 63 {
            report.invalid(field, .string(name), "name part must be no more than 63 characters")
        }
    }

    private static func checkLength(_ text: String, _ limit: Int, _ field: String, _ report: inout Report) {
        if text.utf8.count > limit {
            report.invalid(field, .string(text), "must be no more than \(limit) characters")
        }
    }

    static func isLabel(_ text: some StringProtocol, mayStartWithDigit: Bool = true) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return false }
        return (isLower(first) || (mayStartWithDigit && isDigit(first))) && (isLower(last) || isDigit(last))
            && bytes.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    static func isSubdomain(_ text: some StringProtocol) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isLabel($0) }
    }

    private static func isQualifiedNamePart(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return false }
        let isEdge: (UInt8) -> Bool = {
            isLower($0) || isDigit($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
        }
        return isEdge(first) && isEdge(last) && bytes.allSatisfy { isEdge($0) || "-_.".utf8.contains($0) }
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
