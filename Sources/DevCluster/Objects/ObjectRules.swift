/// The rules by which kube-apiserver, or a kind's schema, validates objects.
enum ObjectRules {
    /// All rules that `object` violates.
    ///
    /// - Parameter old: The object that it replaces, for the members that are immutable.
    static func violations(
        by object: JSONValue,
        of kind: ResourceKind,
        replacing old: JSONValue?
    ) -> [StatusFailure.Cause] {
        var report = Report()
        checkMetadata(object, kind, &report)
        switch kind {
        case .services: checkService(object, old, &report)
        case .pods: checkPod(object, &report)
        case .events: checkEvent(object, &report)
        case .httpRoutes: checkRoute(object, &report)
        case .gateways: checkGateway(object, &report)
        default: break
        }
        return report.causes
    }

    /// The violations, with kube-apiserver's messages.
    struct Report {
        private(set) var causes: [StatusFailure.Cause] = []

        mutating func required(_ field: String, _ explanation: String = "") {
            add("FieldValueRequired", field, explanation.isEmpty ? "Required value" : "Required value: \(explanation)")
        }

        mutating func invalid(_ field: String, _ value: JSONValue, _ explanation: String) {
            add("FieldValueInvalid", field, "Invalid value: \(value): \(explanation)")
        }

        mutating func unsupported(_ field: String, _ value: String, _ supported: [String]) {
            let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
            add("FieldValueNotSupported", field, "Unsupported value: \"\(value)\": supported values: \(list)")
        }

        mutating func tooLong(_ field: String, _ explanation: String) {
            add("FieldValueTooLong", field, "Too long: \(explanation)")
        }

        mutating func add(_ reason: String, _ field: String, _ message: String) {
            causes.append(StatusFailure.Cause(reason: reason, message: message, field: field))
        }
    }
}
