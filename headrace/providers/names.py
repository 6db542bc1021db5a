"""The providers' names: known without the adapters, whose parsers take time to import."""

#: In the order of `headrace.providers.registry.ADAPTERS`.
PROVIDERS = ("ghl", "unipile", "smartlead", "instantly", "emailbison")
