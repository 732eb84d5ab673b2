enum Stub_PreviewServerTests {}
