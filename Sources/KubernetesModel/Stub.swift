enum Stub_KubernetesModel {}
