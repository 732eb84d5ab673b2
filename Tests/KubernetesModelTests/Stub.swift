enum Stub_KubernetesModelTests {}
