import FoundationEssentials

/// A column of the tables that `kubectl get` prints.
struct TableColumn: Sendable {
    let name: String
    var type = "string"
    /// The priority: 0 for columns that are always shown, more for those of `-o wide`.
    var priority: Int64 = 0
    let cell: @Sendable (JSONValue, Date) -> JSONValue

    /// The columns of a kind, in display order.
    static func columns(of kind: ResourceKind) -> [TableColumn] {
        let own: [TableColumn]
        switch kind {
        case .namespaces: own = [text("Status", "status", "phase")]
        case .pods: own = podColumns
        case .services: own = serviceColumns
        case .events: return eventColumns
        case .configMaps:
            own = [
                TableColumn(name: "Data", type: "integer") { object, _ in
                    .int(Int64(object["data"]?.objectValue?.count ?? 0))
                }
            ]
        case .gatewayClasses:
            own = [text("Controller", "spec", "controllerName"), condition("Accepted", "Accepted")]
        case .gateways:
            own = [
                text("Class", "spec", "gatewayClassName"),
                TableColumn(name: "Address") { object, _ in
                    joined(object["status", "addresses"]?.arrayValue?.compactMap { $0["value"]?.stringValue })
                },
                condition("Programmed", "Programmed"),
            ]
        case .httpRoutes:
            own = [
                TableColumn(name: "Hostnames") { object, _ in .string((object["spec", "hostnames"] ?? []).description) }
            ]
        case .sandboxes: own = [condition("Ready", "Ready"), condition("Reason", "Ready", member: "reason")]
        case .sandboxClaims:
            own = [
                condition("Ready", "Ready"), text("Sandbox", "status", "sandbox", "name"),
                condition("Reason", "Ready", member: "reason"),
            ]
        default: own = []
        }
        return [text("Name", "metadata", "name")] + own.filter { $0.priority == 0 } + [age]
            + own.filter { $0.priority > 0 }
    }

    private static func text(_ name: String, _ path: String...) -> TableColumn {
        TableColumn(name: name) { object, _ in .string(object[path: path[...]]?.stringValue ?? "") }
    }

    private static func condition(_ name: String, _ type: String, member: String = "status") -> TableColumn {
        TableColumn(name: name) { object, _ in
            let found = object["status", "conditions"]?.arrayValue?.first { $0["type"]?.stringValue == type }
            return .string(found?[member]?.stringValue ?? "")
        }
    }

    private static let age = TableColumn(name: "Age", type: "string") { object, now in
        .string(elapsed(since: object["metadata", "creationTimestamp"], now))
    }

    private static let podColumns = [
        TableColumn(name: "Ready") { object, _ in
            let statuses = object["status", "containerStatuses"]?.arrayValue ?? []
            let ready = statuses.count { $0["ready"]?.boolValue == true }
            return .string("\(ready)/\(object["spec", "containers"]?.arrayValue?.count ?? 0)")
        },
        TableColumn(name: "Status") { object, _ in
            object.isTerminating ? "Terminating" : .string(object["status", "phase"]?.stringValue ?? "Unknown")
        },
        TableColumn(name: "Restarts") { object, _ in
            let statuses = object["status", "containerStatuses"]?.arrayValue ?? []
            return .string(String(statuses.reduce(0) { $0 + ($1["restartCount"]?.intValue ?? 0) }))
        },
        TableColumn(name: "IP", priority: 1) { object, _ in
            .string(object["status", "podIP"]?.stringValue ?? "<none>")
        },
        TableColumn(name: "Node", priority: 1) { object, _ in
            .string(object["spec", "nodeName"]?.stringValue ?? "<none>")
        },
    ]

    private static let serviceColumns = [
        text("Type", "spec", "type"),
        TableColumn(name: "Cluster-IP") { object, _ in .string(object["spec", "clusterIP"]?.stringValue ?? "<none>") },
        TableColumn(name: "External-IP") { object, _ in
            .string(object["spec", "externalName"]?.stringValue ?? "<none>")
        },
        TableColumn(name: "Port(s)") { object, _ in
            joined(
                object["spec", "ports"]?.arrayValue?.map { port in
                    "\(port["port"]?.intValue ?? 0)/\(port["protocol"]?.stringValue ?? "TCP")"
                }
            )
        },
        TableColumn(name: "Selector", priority: 1) { object, _ in
            joined(
                object["spec", "selector"]?.objectValue?.sorted { $0.key < $1.key }.map {
                    "\($0.key)=\($0.value.stringValue ?? "")"
                }
            )
        },
    ]

    private static let eventColumns = [
        TableColumn(name: "Last Seen") { object, now in
            let seen = [object["lastTimestamp"], object["eventTime"], object["metadata", "creationTimestamp"]]
            return .string(elapsed(since: seen.compactMap { $0 }.first { $0.stringValue != nil }, now))
        },
        text("Type", "type"), text("Reason", "reason"),
        TableColumn(name: "Object") { object, _ in
            let kind = object["involvedObject", "kind"]?.stringValue?.lowercased() ?? ""
            return .string("\(kind)/\(object["involvedObject", "name"]?.stringValue ?? "")")
        },
        text("Message", "message"),
        TableColumn(name: "Name", priority: 1) { object, _ in .string(object.name) },
    ]

    private static func joined(_ texts: [String]?) -> JSONValue {
        guard let texts, !texts.isEmpty else { return "<none>" }
        return .string(texts.joined(separator: ","))
    }

    /// The time since an instant, in the format that `kubectl` uses for ages.
    private static func elapsed(since start: JSONValue?, _ now: Date) -> String {
        guard let text = start?.stringValue, let date = Timestamp.date(text) else { return "<unknown>" }
        let seconds = max(0, Int(now.timeIntervalSince(date)))
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<600: return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds / 60)m\(seconds % 60)s"
        case ..<10_800: return "\(seconds / 60)m"
        case ..<172_800: return "\(seconds / 3600)h"
        default: return "\(seconds / 86_400)d"
        }
    }
}
