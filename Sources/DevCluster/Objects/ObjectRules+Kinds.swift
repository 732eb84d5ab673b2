/// The validation rules of single kinds, as far as clients of this cluster depend on them.
extension ObjectRules {
    static func checkService(_ object: JSONValue, _ old: JSONValue?, _ report: inout Report) {
        let isHeadless = object["spec", "clusterIP"]?.stringValue == "None"
        let type = object["spec", "type"]?.stringValue ?? ""
        let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]
        if !types.contains(type) { report.unsupported("spec.type", type, types) }
        let ports = object["spec", "ports"]?.arrayValue ?? []
        if ports.isEmpty, !isHeadless, type != "ExternalName" { report.required("spec.ports") }
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            let field = "spec.ports[\(index)]"
            let name = port["name"]?.stringValue ?? ""
            if name.isEmpty {
                if ports.count > 1 { report.required("\(field).name") }
            } else {
                if !isLabel(name) { report.invalid("\(field).name", .string(name), labelRule) }
                if !names.insert(name).inserted {
                    report.add("FieldValueDuplicate", "\(field).name", "Duplicate value: \"\(name)\"")
                }
            }
            checkPort(port["port"], "\(field).port", &report)
            if case .string(let portName) = port["targetPort"] {
                if portName.utf8.count > 15 || !isLabel(portName) {
                    report.invalid("\(field).targetPort", .string(portName), "must be a port name")
                }
            } else {
                checkPort(port["targetPort"], "\(field).targetPort", &report)
            }
            let protocols = ["SCTP", "TCP", "UDP"]
            let transport = port["protocol"]?.stringValue ?? ""
            if !protocols.contains(transport) { report.unsupported("\(field).protocol", transport, protocols) }
        }
        checkLabels(object["spec", "selector"], "spec.selector", &report)
        if let old, let address = old["spec", "clusterIP"], object["spec", "clusterIP"] != address,
            type != "ExternalName"
        {
            report.invalid("spec.clusterIP", object["spec", "clusterIP"] ?? "", "field is immutable")
        }
    }

    private static func checkPort(_ port: JSONValue?, _ field: String, _ report: inout Report) {
        guard let number = port?.intValue, (1...65535).contains(number) else {
            report.invalid(field, port ?? 0, "must be between 1 and 65535, inclusive")
            return
        }
    }

    static func checkPod(_ object: JSONValue, _ report: inout Report) {
        let containers = object["spec", "containers"]?.arrayValue ?? []
        if containers.isEmpty { report.required("spec.containers") }
        for (index, container) in containers.enumerated() {
            let field = "spec.containers[\(index)]"
            let name = container["name"]?.stringValue ?? ""
            if name.isEmpty {
                report.required("\(field).name")
            } else if !isLabel(name) {
                report.invalid("\(field).name", .string(name), labelRule)
            }
            if container["image"]?.stringValue ?? "" == "" { report.required("\(field).image") }
        }
    }

    static func checkEvent(_ object: JSONValue, _ report: inout Report) {
        let namespace = object["involvedObject", "namespace"]?.stringValue ?? ""
        let own = object.namespace ?? ""
        // Events about cluster-scoped objects are in the namespace "default".
        if namespace.isEmpty ? own != "default" : namespace != own {
            report.invalid("involvedObject.namespace", .string(namespace), "does not match event.namespace")
        }
    }

    static func checkRoute(_ object: JSONValue, _ report: inout Report) {
        for list in ["hostnames", "parentRefs", "rules"] {
            guard let value = object["spec", list], value.arrayValue == nil else { continue }
            report.invalid("spec.\(list)", value, "spec.\(list) in body must be of type array")
        }
        let hostnames = object["spec", "hostnames"]?.arrayValue ?? []
        if hostnames.count > 16 {
            report.invalid("spec.hostnames", .int(Int64(hostnames.count)), "must have at most 16 items")
        }
        for (index, hostname) in hostnames.enumerated() {
            checkHostname(hostname, "spec.hostnames[\(index)]", &report)
        }
        for (index, parent) in (object["spec", "parentRefs"]?.arrayValue ?? []).enumerated()
        where parent["name"]?.stringValue ?? "" == "" {
            report.required("spec.parentRefs[\(index)].name")
        }
        for (ruleIndex, rule) in (object["spec", "rules"]?.arrayValue ?? []).enumerated() {
            for member in ["request", "backendRequest"] {
                guard let timeout = rule["timeouts", member] else { continue }
                guard timeout.stringValue.flatMap(GatewayDuration.init) == nil else { continue }
                let field = "spec.rules[\(ruleIndex)].timeouts.\(member)"
                report.invalid(field, timeout, "\(field) in body should match '\(GatewayDuration.pattern)'")
            }
            for (index, backend) in (rule["backendRefs"]?.arrayValue ?? []).enumerated() {
                let field = "spec.rules[\(ruleIndex)].backendRefs[\(index)]"
                if backend["name"]?.stringValue ?? "" == "" { report.required("\(field).name") }
                if let port = backend["port"] { checkPort(port, "\(field).port", &report) }
                if backend["kind"] == "Service", backend["port"] == nil {
                    report.invalid(field, .string("object"), "Must have port for Service reference")
                }
            }
        }
    }

    static func checkGateway(_ object: JSONValue, _ report: inout Report) {
        if object["spec", "gatewayClassName"]?.stringValue ?? "" == "" { report.required("spec.gatewayClassName") }
        let listeners = object["spec", "listeners"]?.arrayValue ?? []
        if listeners.isEmpty { report.required("spec.listeners") }
        for (index, listener) in listeners.enumerated() {
            let field = "spec.listeners[\(index)]"
            for member in ["name", "protocol"] where listener[member]?.stringValue ?? "" == "" {
                report.required("\(field).\(member)")
            }
            checkPort(listener["port"], "\(field).port", &report)
            if let hostname = listener["hostname"] { checkHostname(hostname, "\(field).hostname", &report) }
        }
    }

    /// Checks a hostname as the Gateway API defines it: a DNS-1123 subdomain whose first label may be `*`.
    private static func checkHostname(_ hostname: JSONValue, _ field: String, _ report: inout Report) {
        let text = hostname.stringValue ?? ""
        let labels = text.hasPrefix("*.") ? text.dropFirst(2) : text[...]
        if !isSubdomain(labels) || text.utf8.count > 253 {
            report.invalid(
                field,
                hostname,
                """
                spec.hostnames in body should match \
                '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'
                """
            )
        }
    }
}
