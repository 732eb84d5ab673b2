enum Stub_DevCluster {}
