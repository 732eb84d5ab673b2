enum Stub_PreviewDomainTests {}
