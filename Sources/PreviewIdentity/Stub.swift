enum Stub_PreviewIdentity {}
