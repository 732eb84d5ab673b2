public import FoundationEssentials

extension ClusterConfiguration {
    /// Finds the cluster in the usual places.
    ///
    /// The order is that of Kubernetes controllers (controller-runtime's `GetConfig`): an explicit file, then
    /// `$KUBECONFIG`, then the service account of the pod, then `~/.kube/config`. kubectl differs in one point: it
    /// prefers `~/.kube/config` to the service account, which in a pod would let a stray file win.
    ///
    /// - Parameters:
    ///   - kubeconfig: An explicit file; only this one is read then.
    ///   - context: The context to use instead of the file's `current-context`. It does not apply to a service account.
    ///   - environment: The process's environment.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` that names the file and the field.
    public static func discover(
        kubeconfig: String? = nil,
        context: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> ClusterConfiguration {
        if let kubeconfig {
            return try Kubeconfig.load(paths: [kubeconfig], mustExist: true).configuration(context: context)
        }
        if let list = environment["KUBECONFIG"], !list.isEmpty {
            let paths = list.split(separator: ":").map(String.init)
            return try Kubeconfig.load(paths: paths, mustExist: false).configuration(context: context)
        }
        if let configuration = try inCluster(environment: environment) {
            return configuration
        }
        guard let home = environment["HOME"], !home.isEmpty else {
            throw KubernetesError(
                .configuration,
                "there is no cluster: KUBECONFIG and HOME are unset, and this is no pod"
            )
        }
        let path = "\(home)/.kube/config"
        guard FileManager.default.fileExists(atPath: path) else {
            throw KubernetesError(
                .configuration,
                "there is no cluster: KUBECONFIG is unset, this is no pod, and \(path) does not exist"
            )
        }
        return try Kubeconfig.load(paths: [path], mustExist: true).configuration(context: context)
    }
}
