internal import KubernetesClient
internal import KubernetesModel

extension DoctorCheck {
    static let gatewayChecks = [
        DoctorCheck("PG301", .gateway, "the preview Gateway is programmed") { context in
            let name = "\(context.gatewayNamespace)/\(context.gateway)"
            let gateway: InspectedGateway
            do { gateway = try await context.previewGateway() } catch let error as KubernetesError
                where error.isNotFound
            {
                return .failure(
                    "there is no Gateway \(name)",
                    remedy: "k8s/deploy.sh --image IMAGE, or set \(Settings.Keys.gatewayName.key)"
                )
            }
            let describe = "kubectl describe gateway \(context.gateway) -n \(context.gatewayNamespace)"
            let conditions = gateway.status?.conditions ?? []
            for type in ["Accepted", "Programmed"] where !conditions.isTrue(type) {
                let reason = conditions.first(ofType: type)?.reason ?? "no controller reported it"
                return .failure("\(name) is not \(type) (\(reason))", remedy: describe)
            }
            let addresses = gateway.status?.addresses?.compactMap(\.value) ?? []
            guard !addresses.isEmpty else { return .warning("\(name) has no address yet", remedy: describe) }
            return .ok(
                "\(name), class \(gateway.spec?.gatewayClassName ?? "?"), at \(addresses.joined(separator: ", "))"
            )
        },
        DoctorCheck("PG302", .gateway, "a listener covers the zone") { context in
            guard let zone = context.connection.settings.zone else {
                return .skipped("\(Settings.Keys.zoneSuffix.key) is not set")
            }
            let listeners: [InspectedGateway.Spec.Listener]
            do {
                listeners = try await context.previewGateway().spec?.listeners ?? []
            } catch let error as KubernetesError where error.isNotFound {
                return .skipped("there is no Gateway")
            }
            // A listener without a hostname accepts all hostnames (Gateway API, `Listener.hostname`).
            let covers = listeners.contains { $0.hostname.map { $0 == "*.\(zone)" } ?? true }
            guard covers else {
                let hostnames = listeners.compactMap(\.hostname).joined(separator: ", ")
                return .failure(
                    "no listener has the hostname *.\(zone); there is \(hostnames.isEmpty ? "none" : hostnames)",
                    remedy: "k8s/deploy.sh --image IMAGE --zone \(zone), or set \(Settings.Keys.zoneSuffix.key)"
                )
            }
            return .ok("*.\(zone)")
        },
    ]
}
