import FoundationEssentials

extension JSONValue {
    /// The condition of one type in `status.conditions`.
    package func condition(_ type: String) -> JSONValue? {
        self["status", "conditions"]?.arrayValue?.first { $0["type"]?.stringValue == type }
    }

    /// True if `status.conditions` has the type with status `True`.
    package func hasCondition(_ type: String) -> Bool {
        condition(type)?["status"]?.stringValue == "True"
    }

    /// A list of conditions with some of them set (Kubernetes API conventions, "Typical status properties").
    ///
    /// `lastTransitionTime` stays as it is where the status does not change, so that equal states give equal lists.
    ///
    /// - Parameters:
    ///   - decisions: Type and decision, in the order in which new ones are appended.
    ///   - generation: The `metadata.generation` that was judged; `nil` for kinds that do not count it.
    func settingConditions(
        _ decisions: [(type: String, decision: GatewayPlan.Decision)],
        generation: JSONValue?,
        now: Date
    ) -> JSONValue {
        var conditions = arrayValue ?? []
        for (type, decision) in decisions {
            let status: JSONValue = decision.isTrue ? "True" : "False"
            let index = conditions.firstIndex { $0["type"]?.stringValue == type }
            let old = index.map { conditions[$0] }
            let isSame = old?["status"] == status
            var condition: JSONValue = [
                "type": .string(type), "status": status, "reason": .string(decision.reason),
                "message": .string(decision.message),
                "lastTransitionTime": isSame
                    ? old?["lastTransitionTime"] ?? .string(Timestamp.text(now)) : .string(Timestamp.text(now)),
            ]
            condition["observedGeneration"] = generation
            if let index { conditions[index] = condition } else { conditions.append(condition) }
        }
        return .array(conditions)
    }
}
